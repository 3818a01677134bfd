import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connectNats } from '../../src/adapters/nats/index.ts';
import { findRun, keyFileOf, readLive, runDir, type Place } from '../../src/cli/place.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { Progress, Pulse } from '../../src/protocols/actor.ts';
import type { Context } from './figure.ts';

// A run as a user starts it, watched from outside with an operator's credentials.

/** A fact or a sign of work, at this process's own time in milliseconds since the command was given. */
export interface Watched {
  readonly facts: readonly { readonly at: number; readonly fact: Fact }[];
  readonly work: readonly { readonly at: number; readonly slot: string; readonly trial: string; readonly replicate: string; readonly phase: string }[];
  /** Resident bytes of each process, one reading every half second. */
  readonly memory: ReadonlyMap<string, readonly number[]>;
}

const LONGEST_MS = 15 * 60_000;
const watched = new Map<string, Promise<Watched>>();

/** Runs a surface once a bench, however many measurements look at it. */
export function watchRun(context: Context, surface: string, trials: number): Promise<Watched> {
  const key = `${surface} ${trials}`;
  const found = watched.get(key) ?? conduct(context, surface, trials);
  watched.set(key, found);
  return found;
}

async function conduct({ root, folder }: Context, surface: string, trials: number): Promise<Watched> {
  const place: Place = { root, runs: join(folder, 'runs') };
  const run = `bench-${surface}`;
  const begun = performance.now();
  const now = (): number => performance.now() - begun;
  const child = spawn(process.execPath, [join(root, 'dist', 'main.js'), 'run', surface, '--name', run, '--trials', String(trials), '--json'], {
    cwd: root, env: { ...process.env, BRIGADE_RUNS: place.runs }, stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => { said = (said + bytes.toString()).slice(-4000); });
  const exited = new Promise<number | null>((resolve) => { child.once('exit', resolve); });
  let isOver = false;
  void exited.then(() => { isOver = true; });
  const impatience = setTimeout(() => child.kill('SIGTERM'), LONGEST_MS);
  try {
    let live = null;
    while (live === null && !isOver) {
      await sleep(10);
      live = await readLive(place, run).catch(() => null);
    }
    if (live === null) throw new Error(`brigade run ${surface} ended before it began: ${said.trim()}`);
    const session = await connectNats({ url: live.url, keyFile: keyFileOf(await findRun(place, run), 'operator'), name: 'bench', role: 'operator' });
    const journal = session.journal(run);
    while (!isOver && await journal.position().then(() => false, () => true)) await sleep(10); // the server is there before the run's stream is
    const stop = new AbortController();
    const facts: { at: number; fact: Fact }[] = [];
    const work: { at: number; slot: string; trial: string; replicate: string; phase: string }[] = [];
    const pids = new Map<string, number>([['supervisor', live.pid]]);
    const memory = new Map<string, number[]>();
    await using _progress = session.bus.listen(Progress, { run }, ({ trial, replicate, phase }, { node, slot }) => {
      if (trial !== null && replicate !== null) work.push({ at: now(), slot: `${node}/${slot}`, trial, replicate, phase });
    });
    await using _pulses = session.bus.listen(Pulse, { run }, ({ actor, name, pid }) => { pids.set(name === 'main' ? actor : actor === 'evaluator' ? actor : `${actor} ${name}`, pid); });
    const following = (async () => {
      for await (const fact of journal.follow({ after: 0, signal: stop.signal })) {
        facts.push({ at: now(), fact });
        if (fact.word === 'run.stopped') return;
      }
    })();
    const weighing = (async () => {
      const server = await readFile(join(runDir(place, run), 'nats', 'nats.pid'), 'utf8').catch(() => '');
      if (Number(server) > 0) pids.set('nats-server', Number(server));
      while (!isOver && !stop.signal.aborted) {
        for (const [pid, bytes] of await residentBytes([...pids.values()])) {
          for (const [name, its] of pids) if (its === pid) memory.set(name, [...memory.get(name) ?? [], bytes]);
        }
        await sleep(500);
      }
    })();
    await Promise.race([following, exited]);
    stop.abort(new Error('the run is over'));
    await session.close();
    const code = await exited;
    await Promise.allSettled([following, weighing]);
    if (code !== 0) throw new Error(`brigade run ${surface} ended with ${code}: ${said.trim()}`);
    return { facts, work, memory };
  } finally {
    clearTimeout(impatience);
    if (!isOver) {
      child.kill('SIGTERM');
      const made = setTimeout(() => child.kill('SIGKILL'), 10_000); // its daemons and its server end with it
      await exited;
      clearTimeout(made);
    }
  }
}

const execute = promisify(execFile);

async function residentBytes(pids: readonly number[]): Promise<[number, number][]> {
  const { stdout } = await execute('ps', ['-o', 'pid=,rss=', '-p', pids.join(',')]).catch(() => ({ stdout: '' }));
  return stdout.split('\n').flatMap((line): [number, number][] => {
    const [pid, kibibytes] = line.trim().split(/\s+/).map(Number);
    return pid !== undefined && kibibytes !== undefined && kibibytes > 0 ? [[pid, kibibytes * 1024]] : [];
  });
}
