import { isMine, join, sayMove, type Bench, type Candidate } from './candidate.ts';
import { isBarred, screenEdits } from './screen.ts';

// Gathering: gains too small to prove alone are proved together, and what is new comes along with what is likely.
//
//   G1. Likely is a move of mine that was measured, is not part of the best, and is believed to gain. The likeliest one comes first, then the two likeliest, and so on.
//   G2. Each such set is considered as it is and with an edit that was never tried: what nobody measured can hardly be expected to show by itself.

/** As many as are gathered at once. */
const MOST = 6;
/** Untried edits that are considered beside each set. */
const FRESH = 3;

/** Sets of likely gains, alone and with something new. */
export function gather(bench: Bench): Candidate[] {
  const measured = new Set(bench.history.attempts.filter(({ gain }) => gain !== null).flatMap(({ put }) => put));
  const likely = [...measured].filter((move) => !bench.moves.includes(move) && isMine(bench, move) && !isBarred(bench, move))
    .map((move) => ({ move, mean: bench.believe([move], []).mean })).filter(({ mean }) => mean > 0).sort((a, b) => b.mean - a.mean).slice(0, MOST).map(({ move }) => move); // G1
  const fresh = screenEdits(bench).slice(0, FRESH);
  return likely.flatMap((_, last) => {
    const set = likely.slice(0, last + 1);
    const said = set.map((move) => sayMove(bench, move)).join('; and ');
    return [
      { stamp: `gather(${set.length})`, moves: join(bench, bench.moves, set), parts: [], hypothesis: `${said}: ${set.length === 1 ? 'it' : 'each'} looked better, within the noise; ${set.length === 1 ? 'on this best' : 'together'} it may show` },
      ...fresh.map((one) => ({ stamp: `gather(${set.length}+1)`, moves: join(bench, one.moves, set), parts: [], hypothesis: `${one.hypothesis}; beside what looked better within the noise: ${said}` })), // G2
    ];
  });
}
