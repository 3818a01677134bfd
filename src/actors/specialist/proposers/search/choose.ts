import { realise, type Bench, type Candidate } from './candidate.ts';
import { exploit } from './exploit.ts';
import { gather } from './gather.ts';
import { keyOf } from '../moves/move.ts';
import { repair } from './repair.ts';
import { compose } from './reunite.ts';
import { screenEdits, screenKnobs } from './screen.ts';
import { walk } from './walk.ts';

// Which proposal comes next.
//
//   C1. What was kept apart is put together first: it was paid for.
//   C2. Of everything else that there is a reason for, the proposal that is worth most by what is believed of its moves; of equals, the first in the seed's order.
//   C3. Walking waits until nothing else has anything to say.
//   C4. Without lineage nothing is believed and nothing is known to be spent: an edit, a knob or a walk, as chance has it.
//   C5. What counts is what is built: a set that cannot be, or of which a part takes no effect, is none, and the others are weighed by the moves that took effect.

/** Everything that may be proposed, in the order in which it should be considered. */
export function* choose(bench: Bench, lineage: boolean): Generator<Candidate> {
  if (!lineage) { // C4
    for (const source of bench.chance.shuffle([screenEdits, screenKnobs, walk])) yield* built(bench, source(bench));
    return;
  }
  yield* built(bench, compose(bench)); // C1
  const considered = [exploit, repair, screenEdits, screenKnobs, gather].flatMap((source) => source(bench)).filter(({ moves }) => !bench.history.keys.has(keyOf(moves)));
  const waiting = considered.map((candidate) => ({ candidate, worth: bench.worthOf(candidate.moves), isBuilt: false })).sort((a, b) => b.worth - a.worth); // C2
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (next.isBuilt) { yield next.candidate; continue; }
    for (const candidate of realise(bench, next.candidate)) { // C5: only what comes next is built, for that is dear
      const worth = bench.worthOf(candidate.moves);
      const at = waiting.findIndex((other) => other.worth <= worth);
      waiting.splice(at < 0 ? waiting.length : at, 0, { candidate, worth, isBuilt: true });
    }
  }
  yield* built(bench, walk(bench)); // C3
}

function* built(bench: Bench, candidates: Iterable<Candidate>): Generator<Candidate> { // C5
  for (const candidate of candidates) yield* realise(bench, candidate);
}
