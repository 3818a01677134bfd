import type { Command } from 'commander';
import { connectNats } from '../adapters/nats/index.ts';
import type { RunId } from '../domain/ids.ts';
import { NoAnswer, type Bus } from '../ports.ts';
import { LimitRun, LONGEST_NOTE, NoteRun, PauseRun, ResumeRun, StopRun } from '../protocols/run.ts';
import { NO_LIMITS, type Limits } from '../domain/budget.ts';
import { limitsOf, type LimitFlags } from './limits.ts';
import { Mistake } from './mistake.ts';
import { recallModels, requirePrices } from './models.ts';
import { findRun, keyFileOf, readLive, type Place } from './place.ts';
import { requireOwn } from './read-only.ts';

interface Flags extends LimitFlags { readonly json?: boolean; readonly now?: boolean; readonly message?: string }
type Ask = (bus: Bus, run: RunId) => Promise<{ readonly ok: boolean; readonly message: string }>;

/** What a person may do to a live run; each is a fact in its journal. */
export function controlCommands(program: Command, place: Place, out: { write(text: string): unknown }): void {
  const verb = (name: string, says: string, example: string, asking: (flags: Flags) => Ask) =>
    program.command(`${name} [run]`).description(says).option('--json', 'print one JSON object')
      .addHelpText('after', `\nExample:\n  $ brigade ${example}`)
      .action(async (run: string | undefined, flags: Flags) => {
        const ask = asking(flags);
        const answer = await withOperator(place, run, (bus, id) => ask(bus, id).catch((error: unknown) => { throw error instanceof NoAnswer ? unanswered(id, name, error) : error; }));
        out.write(flags.json ? `${JSON.stringify(answer)}\n` : `${answer.message}\n`);
        if (!answer.ok) process.exitCode = 1;
      });
  const timeoutMs = 5_000;
  verb('pause', 'finish what is leased and lease nothing new', 'pause golf-mini-1121a', () => (bus, run) => bus.ask(PauseRun, { run }, {}, { timeoutMs }));
  verb('resume', 'go on after a pause; brigade run --resume goes on after a stop', 'resume golf-mini-1121a', () => (bus, run) => bus.ask(ResumeRun, { run }, {}, { timeoutMs }));
  verb('stop', 'finish what is leased, then stop', 'stop golf-mini-1121a --now', ({ now = false }) => (bus, run) => bus.ask(StopRun, { run }, { now }, { timeoutMs }))
    .option('--now', 'do not wait for what is leased; nothing recorded is lost');
  verb('note', 'leave a note in the journal', "note golf-mini-1121a -m 'cooling failed at 3:10'", ({ message: note = '' }) => {
    if (!NoteRun.request.safeParse({ note }).success) throw new Mistake(`a note is one line of 1 to ${LONGEST_NOTE} characters, and this one has ${note.length}: write it as one line, or as several notes`);
    return (bus, run) => bus.ask(NoteRun, { run }, { note }, { timeoutMs });
  }).requiredOption('-m, --message <text>', 'what to write, on one line');
  verb('limit', 'change the limits of a live run', 'limit golf-mini-1121a --trials 64', (flags) => {
    const changes = limitsOf(flags);
    if (Object.keys(changes).length === 0) throw new Mistake('name a limit to change: --trials, --minutes, --slot-seconds, --patience, --tokens or --money');
    return async (bus, run) => {
      await requirePriced(place, run, changes);
      return bus.ask(LimitRun, { run }, changes, { timeoutMs });
    };
  }).option('--trials <n>', 'trials in all').option('--minutes <n>', 'minutes in all').option('--slot-seconds <n>', 'slot-seconds in all').option('--patience <minutes>', 'stop after so long without a keep')
    .option('--tokens <n>', 'tokens of models in all').option('--money <amount>', 'money for models in all, in the unit of their prices');
}

/** A limit of money that nobody could reckon is refused for a live run as it is for a new one. */
async function requirePriced(place: Place, run: RunId, { money = null }: Partial<Limits>): Promise<void> {
  const models = money === null ? null : await recallModels(place, run);
  if (models !== null) requirePrices(models, (await findRun(place, run)).agents ?? [], { ...NO_LIMITS, money });
}

/** Only the broker of a run acts for its operator. */
function unanswered(run: RunId, verb: string, error: NoAnswer): Mistake {
  if (error.reason === 'refused' || error.reason === 'unreadable') return new Mistake(`${run} refused to ${verb}: ${error.message}`, { cause: error });
  return new Mistake(`nobody in ${run} answers ${verb}: its broker is starting, or is gone. Try again in a moment; brigade status ${run} says who is there`, { cause: error });
}

async function withOperator<T>(place: Place, name: string | undefined, ask: (bus: Bus, run: RunId) => Promise<T>): Promise<T> {
  const file = await findRun(place, name);
  await requireOwn(place, file.run, 'there is nothing to steer');
  const live = await readLive(place, file.run);
  const url = live?.url ?? file.url; // a run that was only begun here is run by others
  if (url === null) throw new Mistake(`${file.run} is not running: brigade run --resume ${file.run} goes on with it`);
  const session = await connectNats({ url, keyFile: keyFileOf(file, 'operator'), name: `brigade-cli-${process.pid}`, role: 'operator', remedy: live === null ? `it is the server of ${file.run}. Start it, and try again` : `process ${live.pid} runs ${file.run}, which is starting or ending. Try again in a moment` });
  try { return await ask(session.bus, file.run); } finally { await session.close(); }
}
