import { uncovered } from '../../domain/budget.ts';
import { duration } from '../../domain/figures.ts';
import type { StopMode } from '../../domain/fact.ts';
import type { Lineage } from '../../domain/lineage.ts';
import { STALLS, type Cost } from '../../domain/session.ts';

// When nobody can think any more, and the run is over for it.
//
//   H1. A limit of tokens or money ends the run when the last who could think was refused a call by it, not before: another's calls may be smaller.
//   H2. What time does not heal, a key that is refused, a budget of one's own that is spent, a proposer that gave up, ends it once it is so of everybody.
//   H3. What may heal, an endpoint that is down, a model that says nothing usable, is waited for; but not all night.

/** As long as an endpoint may be away before its run ends aloud: longer than what its keepers mend in one go, shorter than a night. */
const PATIENCE_SECONDS = 7_200;

type Reason = { readonly reason: string; readonly mode: StopMode };

/** Whether somebody is kept from thinking by what may heal, and not yet for too long: the quiet is then no sign that all have run dry (H3). */
export const mayHeal = ({ sessions: { stalled, stalledAt } }: Lineage, now: number): boolean =>
  [...stalled].some(([specialist, { cause }]) => STALLS[cause] && now - (stalledAt.get(specialist) ?? now) < PATIENCE_SECONDS * 1000);

/** Why nobody can think any more at this moment of the journal's clock; null while somebody may. `refused` are the calls asked for last, by who was refused one. */
export function starved(lineage: Lineage, refused: ReadonlyMap<string, Cost>, now: number): Reason | null {
  const { started, stopping, bests, paused, sessions: { stalled, stalledAt } } = lineage;
  if (!started || stopping !== null || bests.length === 0 || paused) return null;
  const stalls = started.roster.flatMap((specialist) => { const stall = stalled.get(specialist); return stall ? [{ specialist, ...stall }] : []; });
  const isEverybody = stalls.length === started.roster.length;
  const [first] = stalls;
  if (isEverybody && first && stalls.every(({ cause }) => !STALLS[cause])) { // H2
    const worst = stalls.find(({ cause }) => cause !== 'budget');
    return ending(worst ? 'nobody can think any more' : "nobody's budget covers another call", worst ?? first, worst ? 'put that right, then resume the run' : 'resume the run with a larger one');
  }
  const whys = [...refused.values()].map((most) => uncovered(lineage, most));
  const [why] = whys;
  const canNobody = started.roster.every((specialist) => refused.has(specialist) || (stalled.has(specialist) && stalled.get(specialist)?.cause !== 'limit')); // whom the limits stall was refused, or will be again
  if (why != null && canNobody && !whys.includes(null)) return { reason: why, mode: 'complete' }; // H1
  const since = Math.max(...stalledAt.values(), -Infinity);
  if (isEverybody && first && now - since >= PATIENCE_SECONDS * 1000) return ending(`nobody could think for ${duration(PATIENCE_SECONDS)}`, first, 'put that right, then resume the run'); // H3
  return null;
}

const ending = (what: string, { specialist, reason }: { readonly specialist: string; readonly reason: string }, remedy: string): Reason => ({ reason: `${what}: ${specialist}: ${reason.slice(0, 280)}: ${remedy}`, mode: 'complete' });
