import { isMine, join, sayMove, type Bench, type Candidate } from './candidate.ts';
import { drawMove } from '../moves/draw.ts';
import { difference, editMove, readMove } from '../moves/move.ts';
import { isBarred, isSpent } from './screen.ts';

// Walking: a few random changes of mine around the best, for when single moves are spent.
//
//   W1. A move that is spent never walks alone, and one that crashed or was refused alone does not walk at all.
//   W2. A walk says where it ended, not what it did on the way and undid: its author learns from what was measured.
//   W3. Short walks are the likelier ones: of two changes one undoes the other more often than not.

/** How many walks are drawn before it is said that there is nothing left. */
const DRAWS = 200;
const LENGTHS = [1, 1, 1, 2, 2, 3]; // W3

/** Random walks of one to three changes, drawn as they are asked for. */
export function* walk(bench: Bench): Generator<Candidate> {
  const edits = bench.edits.map(editMove).filter((move) => !isBarred(bench, move)); // W1
  for (let draw = 0; draw < DRAWS; draw++) {
    const length = LENGTHS[bench.chance.below(LENGTHS.length)] ?? 1;
    let moves = [...bench.moves];
    for (let i = 0; i < length; i++) {
      const move = drawMove(bench.chance, edits, bench.knobs);
      if (move === null) continue;
      if (move.startsWith('edit:') && moves.includes(move) && isMine(bench, move)) moves = moves.filter((other) => other !== move);
      else if (!isBarred(bench, move)) moves = join(bench, moves, [move]); // W1
    }
    const built = bench.build(moves);
    if (built.kind === 'refused') continue;
    const { put, taken } = difference(built.moves, bench.moves); // W2
    if (put.length + taken.length === 0 || (put.length === 1 && taken.length === 0 && isSpent(bench, put[0] ?? ''))) continue; // W1
    const said = [...put.map((text) => (text.startsWith('edit:') ? `with ${text.slice(5)}` : sayMove(bench, text))), ...taken.map(sayWithout)];
    yield { stamp: 'walk', moves: built.moves, parts: [], hypothesis: `${said.join(', ')}: a random walk around ${bench.history.best.trial}`.slice(0, 600) };
  }
}

/** A move that is no longer there, in a person's words. */
function sayWithout(text: string): string {
  const move = readMove(text);
  return move?.kind === 'knob' ? `${move.name} as in the baseline` : `without ${text.slice(5)}`;
}
