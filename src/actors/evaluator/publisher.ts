import type { NodeId } from '../../domain/ids.ts';
import type { Ports, Signer } from '../../ports.ts';
import type { Publish } from './effects.ts';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 8_000;
/** A journal that is away is away for every slot, and nobody needs to read it twice a second. */
const TELL_AGAIN_MS = 10_000;

/** Signs and records, beside whatever others may have put in its place, again and again while the lease holds: a journal that is away for a moment must not cost a measurement. Throws on one that no journal would take. */
export function publisher({ journal, clock, presence }: Ports, signer: Signer, node: NodeId): Publish {
  let toldMs = -Infinity;
  return async (work, measurement, signal, sinceMs = work.takenMs) => {
    const { trial, replicate, attempt } = work;
    const signature = signer.sign({ run: journal.run, trial, replicate, attempt, node, measurement });
    for (let pauseMs = FIRST_RETRY_MS; ; pauseMs = Math.min(LONGEST_RETRY_MS, pauseMs * 2)) {
      try {
        await journal.record('trial.measured', [trial, replicate, String(attempt), node], { measurement, signature, heldMs: Math.round(clock.now() - sinceMs) }, { beside: true });
        return;
      } catch (error) {
        if (error instanceof TypeError) throw error; // too large, or not what the protocol says
        if (clock.now() - toldMs >= TELL_AGAIN_MS) {
          toldMs = clock.now();
          presence.log('warn', 'a measurement could not be recorded yet', { trial, replicate, attempt, error: String(error) });
        }
        await clock.wait(pauseMs, signal);
      }
    }
  };
}
