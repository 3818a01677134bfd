import type { Command } from 'commander';
import { connectNats } from '../adapters/nats/index.ts';
import type { RunId } from '../domain/ids.ts';
import type { Bus } from '../ports.ts';
import { LimitRun, NoteRun, PauseRun, ResumeRun, StopRun } from '../protocols/run.ts';
import { Mistake } from './mistake.ts';
import { findRun, keyFileOf, readLive, type Place } from './place.ts';

/** What a person may do to a live run; each is a fact in its journal. */
export function controlCommands(program: Command, place: Place, out: { write(text: string): unknown }): void {
  const verb = (name: string, says: string, example: string, ask: (bus: Bus, run: RunId, flags: Record<string, unknown>) => Promise<{ ok: boolean; message: string }>) =>
    program.command(`${name} [run]`).description(says).option('--json', 'print one JSON object')
      .addHelpText('after', `\nExample:\n  $ brigade ${example}`)
      .action(async (run: string | undefined, flags: Record<string, unknown>) => {
        const answer = await withOperator(place, run, (bus, id) => ask(bus, id, flags));
        out.write(flags.json ? `${JSON.stringify(answer)}\n` : `${answer.message}\n`);
        if (!answer.ok) process.exitCode = 1;
      });
  const timeoutMs = 5_000;
  verb('pause', 'finish what is leased and lease nothing new', 'pause golf-mini-1121a', (bus, run) => bus.ask(PauseRun, { run }, {}, { timeoutMs }));
  verb('resume', 'go on after a pause; brigade run --resume goes on after a stop', 'resume golf-mini-1121a', (bus, run) => bus.ask(ResumeRun, { run }, {}, { timeoutMs }));
  verb('stop', 'finish what is leased, then stop', 'stop golf-mini-1121a --now', (bus, run, flags) => bus.ask(StopRun, { run }, { now: flags.now === true }, { timeoutMs }))
    .option('--now', 'do not wait for what is leased; nothing recorded is lost');
  verb('note', 'leave a note in the journal', "note golf-mini-1121a -m 'cooling failed at 3:10'", (bus, run, flags) => bus.ask(NoteRun, { run }, { note: String(flags.message) }, { timeoutMs }))
    .requiredOption('-m, --message <text>', 'what to write');
  verb('limit', 'change the limits of a live run', 'limit golf-mini-1121a --trials 64', (bus, run, flags) => bus.ask(LimitRun, { run }, {
    ...(flags.trials === undefined ? {} : { trials: whole('--trials', flags.trials) }),
    ...(flags.minutes === undefined ? {} : { wallSeconds: whole('--minutes', flags.minutes) * 60 }),
  }, { timeoutMs })).option('--trials <n>', 'trials in all').option('--minutes <n>', 'minutes in all');
}

function whole(flag: string, value: unknown): number {
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1) throw new Mistake(`${flag} ${String(value)} is not a whole number above 0`);
  return n;
}

async function withOperator<T>(place: Place, name: string | undefined, ask: (bus: Bus, run: RunId) => Promise<T>): Promise<T> {
  const file = await findRun(place, name);
  const live = await readLive(place, file.run);
  if (!live) throw new Mistake(`${file.run} is not running: brigade run --resume ${file.run} goes on with it`);
  const session = await connectNats({ url: live.url, keyFile: keyFileOf(file, 'operator'), name: `brigade-cli-${process.pid}`, role: 'operator' });
  try { return await ask(session.bus, file.run); } finally { await session.close(); }
}
