import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runDir, type Place } from '../../src/cli/place.ts';
import { Progress } from '../../src/protocols/actor.ts';
import type { Context } from './figure.ts';
import { openLive, type Live } from './live.ts';
import { residentBytes } from './usage.ts';

// One run of a surface, from its command to its end, for all measurements that look at one.

/** A fact or a sign of work, at this process's own time in milliseconds since the command was given. */
export interface Watched {
  readonly facts: Live['facts'];
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
  await using live = await openLive({ place, main: join(root, 'dist', 'main.js'), run, args: ['run', surface, '--trials', String(trials)] });
  const impatience = setTimeout(() => live.signal('SIGTERM'), LONGEST_MS);
  try {
    const work: Watched['work'][number][] = [];
    const memory = new Map<string, number[]>();
    live.session.bus.listen(Progress, { run }, ({ trial, replicate, phase }, { node, slot }) => {
      if (trial !== null && replicate !== null) work.push({ at: live.now(), slot: `${node}/${slot}`, trial, replicate, phase });
    });
    const weighing = (async () => {
      const server = Number(await readFile(join(runDir(place, run), 'nats', 'nats.pid'), 'utf8').catch(() => ''));
      while (!live.isOver()) {
        const named = new Map(server > 0 ? [...live.pids, ['nats-server', server]] : live.pids);
        for (const [pid, bytes] of await residentBytes([...named.values()])) {
          for (const [name, its] of named) if (its === pid) memory.set(name, [...memory.get(name) ?? [], bytes]);
        }
        await sleep(500);
      }
    })();
    const { code, said } = await live.end();
    await weighing;
    if (code !== 0) throw new Error(`brigade run ${surface} ended with ${code}: ${said}`);
    return { facts: live.facts, work, memory };
  } finally {
    clearTimeout(impatience);
  }
}
