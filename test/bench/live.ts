import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectNats, type NatsSession } from '../../src/adapters/nats/index.ts';
import { findRun, keyFileOf, readLive, type Place } from '../../src/cli/place.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { RunId } from '../../src/domain/ids.ts';
import { Pulse } from '../../src/protocols/actor.ts';

// A run as a user starts it, followed from outside with an operator's credentials.

export interface Live extends AsyncDisposable {
  readonly session: NatsSession;
  /** Facts as they were seen, at this process's own time in milliseconds since the command was given. */
  readonly facts: readonly { readonly at: number; readonly fact: Fact }[];
  /** Process numbers by actor, and by name where it is not `main`; whoever pulsed last under it. */
  readonly pids: ReadonlyMap<string, number>;
  now(): number;
  isOver(): boolean;
  /** Asked once of every fact after a position, in order: resolves with the first that it is true of. */
  until(what: (fact: Fact) => boolean, options: { readonly after: number; readonly patienceMs: number }): Promise<Fact>;
  signal(name: NodeJS.Signals): void;
  /** Waits until the run has stopped and its command has ended; answers the exit code and the last it said. */
  end(): Promise<{ readonly code: number | null; readonly said: string }>;
}

/** Starts a run by its command and follows it until disposed. */
export async function openLive({ place, main, run, args }: { readonly place: Place; readonly main: string; readonly run: RunId; readonly args: readonly string[] }): Promise<Live> {
  const begun = performance.now();
  const now = (): number => performance.now() - begun;
  const child = spawn(process.execPath, [main, ...args, '--name', run, '--json'], { cwd: place.root, env: { ...process.env, BRIGADE_RUNS: place.runs }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => { said = (said + bytes.toString()).slice(-4000); });
  let isOver = false;
  const exited = new Promise<number | null>((resolve) => { child.once('exit', (code) => { isOver = true; resolve(code); }); });
  const stop = new AbortController();
  const facts: { at: number; fact: Fact }[] = [];
  const pids = new Map<string, number>();
  const waiting = new Set<() => void>();
  void exited.then(() => { for (const each of [...waiting]) each(); });
  let session: NatsSession | null = null;
  let following: Promise<void> = Promise.resolve();
  const kill = async (): Promise<void> => {
    stop.abort(new Error('nobody looks on any more'));
    if (!isOver) child.kill('SIGTERM');
    const made = setTimeout(() => child.kill('SIGKILL'), 10_000); // its daemons and its server end with it
    await exited;
    clearTimeout(made);
    await session?.close();
    await Promise.allSettled([following]);
  };
  try {
    let live = null;
    while (live === null && !isOver) {
      await sleep(10);
      live = await readLive(place, run).catch(() => null);
    }
    if (live === null) throw new Error(`brigade ${args.join(' ')} ended before it began: ${said.trim()}`);
    pids.set('supervisor', live.pid);
    session = await connectNats({ url: live.url, keyFile: keyFileOf(await findRun(place, run), 'operator'), name: 'bench', role: 'operator' });
    const journal = session.journal(run);
    while (!isOver && await journal.position().then(() => false, () => true)) await sleep(10); // the server is there before the run's stream is
    session.bus.listen(Pulse, { run }, ({ actor, name, pid }) => { pids.set(name === 'main' || actor === 'evaluator' ? actor : `${actor} ${name}`, pid); });
    following = (async () => {
      for await (const fact of journal.follow({ after: 0, signal: stop.signal })) {
        facts.push({ at: now(), fact });
        for (const each of [...waiting]) each();
        if (fact.word === 'run.stopped') return;
      }
    })();
  } catch (error) {
    await kill();
    throw error;
  }
  const connected = session;
  return {
    session: connected, facts, pids, now, isOver: () => isOver,
    until: (what, { after, patienceMs }) => new Promise((resolve, reject) => {
      let next = facts.findIndex(({ fact }) => fact.seq > after);
      if (next < 0) next = facts.length;
      const finish = (how: () => void): void => { clearTimeout(late); waiting.delete(look); how(); };
      const late = setTimeout(() => finish(() => reject(new Error(`${run} did not go on within ${patienceMs / 1000} s; the last fact was ${facts.at(-1)?.fact.word ?? 'none'}. ${said.trim()}`))), patienceMs);
      const look = (): void => {
        for (; next < facts.length; next++) {
          const fact = facts[next]?.fact;
          if (fact && what(fact)) { finish(() => resolve(fact)); return; }
        }
        if (isOver) finish(() => reject(new Error(`${run} ended meanwhile: ${said.trim()}`)));
      };
      waiting.add(look);
      look();
    }),
    signal: (name) => { child.kill(name); },
    async end() {
      await Promise.race([following, exited]);
      stop.abort(new Error('the run is over'));
      await connected.close();
      const code = await exited;
      await Promise.allSettled([following]);
      return { code, said: said.trim() };
    },
    [Symbol.asyncDispose]: kill,
  };
}
