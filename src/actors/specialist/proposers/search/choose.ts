import type { Bench, Candidate } from './candidate.ts';
import { exploit } from './exploit.ts';
import { gather } from './gather.ts';
import { difference } from '../moves/move.ts';
import { repair } from './repair.ts';
import { compose, rebase } from './reunite.ts';
import { screenEdits, screenKnobs } from './screen.ts';
import { walk } from './walk.ts';
import { worthOf } from './worth.ts';

// Which proposal comes next.
//
//   C1. What was kept apart is put together first: it was paid for.
//   C2. Of everything else that there is a reason for, the proposal that is worth most by what is believed of its moves; of equals, the first in the seed's order.
//   C3. Walking waits until nothing else has anything to say.
//   C4. Without lineage nothing is believed and nothing is known to be spent: an edit, a knob or a walk, as chance has it.

/** Everything that may be proposed, in the order in which it should be considered. */
export function* choose(bench: Bench, lineage: boolean): Generator<Candidate> {
  if (!lineage) { // C4
    for (const source of bench.chance.shuffle([screenEdits, screenKnobs, walk])) yield* source(bench);
    return;
  }
  yield* compose(bench); // C1
  const considered = [exploit, repair, screenEdits, screenKnobs, rebase, gather].flatMap((source) => [...source(bench)]);
  const valued = considered.map((candidate) => {
    const { put, taken } = difference(candidate.moves, bench.moves);
    return { candidate, worth: worthOf(bench.believe(put, taken), bench.history.noise) };
  });
  for (const { candidate } of valued.sort((a, b) => b.worth - a.worth)) yield candidate; // C2
  yield* walk(bench); // C3
}
