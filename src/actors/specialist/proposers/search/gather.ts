import { isMine, join, proposed, realise, sayMove, type Bench, type Candidate } from './candidate.ts';
import { isMeasured } from './history.ts';
import { screenEdits } from './screen.ts';

// Gathering: gains too small to prove alone are proved together, and what is new comes along with what is likely.
//
//   G1. Likely is a move of mine that was measured, is not part of the best, and is believed to gain there, over the value it would displace. The likeliest
//       one comes first, then the two likeliest, and so on; one that takes no effect, or cannot stand beside those before it, has to wait.
//   G2. Each such set is considered as it is and with an edit that was never tried: what nobody measured can hardly be expected to show by itself.
//   G3. What failed together, or alone, is not gathered again; and an edit that failed in company comes along no more: alone it may show that it was not the cause.

/** As many as are gathered at once. */
const MOST = 6;
/** Untried edits that are considered beside each set. */
const FRESH = 3;

/** Sets of likely gains, alone and with something new. */
export function gather(bench: Bench): Candidate[] {
  const failed = bench.history.attempts.filter(({ verdict, put }) => verdict === 'failed' && put.length > 0).map(({ put }) => put);
  const alone = new Set(failed.filter((put) => put.length === 1).flat());
  const suspect = new Set(failed.flat());
  const measured = new Set(bench.history.attempts.filter(isMeasured).flatMap(({ put }) => put));
  const likely = [...measured].filter((move) => !bench.moves.includes(move) && !alone.has(move) && isMine(bench, move))
    .map((move) => ({ move, mean: bench.believe(join(bench, bench.moves, [move]), bench.moves).mean })).filter(({ mean }) => mean > 0).sort((a, b) => b.mean - a.mean); // G1
  const fresh = screenEdits(bench).filter(({ put }) => !suspect.has(put)).slice(0, FRESH); // G3
  const chosen: string[] = [];
  const found: Candidate[] = [];
  for (const { move } of likely) {
    if (chosen.length === MOST) break;
    const set = [...chosen, move];
    if (failed.some((put) => put.every((each) => set.includes(each))) || !proposed(bench, { stamp: '', hypothesis: '', put: set }).some((one) => realise(bench, one).length > 0)) continue; // G1, G3
    chosen.push(move);
    const said = set.map((each) => sayMove(bench, each)).join('; and ');
    const why = `by all that was measured of ${set.length === 1 ? 'it, it gains here' : 'them, each gains here, and together they may show'}`;
    found.push(...proposed(bench, { stamp: `gather(${set.length})`, put: set, hypothesis: `${said}: ${why}` }),
      ...fresh.flatMap((one) => proposed(bench, { stamp: `gather(${set.length}+1)`, put: [one.put, ...set], hypothesis: `${one.hypothesis}; beside what gains by all that was measured of it: ${said}` }))); // G2
  }
  return found;
}
