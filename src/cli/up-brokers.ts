import { join } from 'node:path';
import { openPool } from '../actors/broker/index.ts';
import { restart, type Ward } from '../actors/supervisor/index.ts';
import type { NatsSession } from '../adapters/nats/index.ts';
import type { Clock } from '../ports.ts';
import type { AttendanceOptions, WantedDaemon } from './attendance.ts';
import { failing } from './failpoint.ts';
import { runDir, type Place } from './place.ts';

// The brokers of several runs in one process, which share its slots fairly.
//
//   B1. One that fails is started again as a process would be, and costs the others nothing.
//   B2. What it holds is in the journal: letting it go is the same at once and in time. One whose server is away would wait for it, and is left behind.

/** Longer than goodbyes take of a server that is there. */
const GOODBYE_MS = 5_000;

/** Keeps a broker for each run that wants one. */
export async function brokersIn(place: Place, session: Pick<NatsSession, 'bus' | 'journal' | 'blobs' | 'presence'>, clock: Clock): Promise<AttendanceOptions['keep']> {
  const { brokerOf } = await import('./daemon-broker.ts');
  const pool = openPool(clock);
  return ({ run, surface, roster }: WantedDaemon, onChange): Ward => {
    const ending = new AbortController();
    const { signal } = ending;
    const presence = session.presence({ run, actor: 'broker' });
    let state = 'alive';
    const move = (next: string): void => { state = next; onChange(); };
    const live = async (): Promise<void> => {
      const ports = failing({ journal: session.journal(run), bus: session.bus, blobs: session.blobs(run), clock, presence }, 'broker', join(runDir(place, run), 'crashes'));
      await using broker = await brokerOf(place, { run, surface, roster, pool, signal, ports });
      await broker.done;
    };
    const ended = (async () => {
      for (let deaths = 0; !signal.aborted;) {
        const bornMs = clock.now();
        const failed = await live().then(() => null, (error: unknown) => (error instanceof Error ? error.message : String(error)));
        if (signal.aborted || failed === null) break;
        const next = restart(clock.now() - bornMs, deaths); // B1
        presence.log(next.kind === 'give-up' ? 'error' : 'warn', `the broker failed${next.kind === 'give-up' ? '' : ' and is started again'}: ${failed}`);
        if (next.kind === 'give-up') return move('lost');
        deaths = next.deaths;
        move('pausing');
        await clock.wait(next.afterMs, signal).catch(() => undefined);
        move('alive');
      }
      move('released');
    })();
    return {
      state: () => state,
      async release() { // B2
        ending.abort(new Error('it is not wanted any more'));
        const gone = new AbortController();
        await Promise.race([ended, clock.wait(GOODBYE_MS, gone.signal).catch(() => undefined)]);
        gone.abort();
      },
    };
  };
}
