import { isMine, join, sayMove, type Bench, type Candidate } from './candidate.ts';
import { step } from '../moves/knob.ts';
import { difference, editMove, knobMove, readMove } from '../moves/move.ts';
import { isBarred, isSpent } from './screen.ts';

// Walking: a few random changes of mine around the best, for when single moves are spent.
//
//   W1. A move that is spent never walks alone, and one that crashed or was refused alone does not walk at all.
//   W2. A walk says where it ended, not what it did on the way and undid: its author learns from what was measured.
//   W3. Short walks are the likelier ones: of two changes one undoes the other more often than not.

/** How many walks are drawn before it is said that there is nothing left. */
const DRAWS = 200;
const FACTORS = [2, 1.5, 1.25];
const LENGTHS = [1, 1, 1, 2, 2, 3]; // W3

/** Random walks of one to three changes, drawn as they are asked for. */
export function* walk(bench: Bench): Generator<Candidate> {
  const edits = bench.edits.map(editMove).filter((move) => !isBarred(bench, move)); // W1
  for (let draw = 0; draw < DRAWS; draw++) {
    const length = LENGTHS[bench.chance.below(LENGTHS.length)] ?? 1;
    let moves = [...bench.moves];
    for (let i = 0; i < length; i++) {
      const at = bench.chance.below(edits.length + 2 * bench.knobs.length);
      const edit = edits[at];
      if (edit !== undefined && moves.includes(edit) && isMine(bench, edit)) {
        moves = moves.filter((move) => move !== edit);
        continue;
      }
      const move = edit ?? turn(bench, at - edits.length);
      if (move === null || isBarred(bench, move)) continue; // W1
      moves = join(bench, moves, [move]);
    }
    const built = bench.build(moves);
    const { put, taken } = difference(built.kind === 'built' ? built.moves : moves, bench.moves); // W2
    if (put.length + taken.length === 0 || (put.length === 1 && taken.length === 0 && isSpent(bench, put[0] ?? ''))) continue; // W1
    const said = [...put.map((text) => (text.startsWith('edit:') ? `with ${text.slice(5)}` : sayMove(bench, text))), ...taken.map(sayWithout)];
    yield { strategy: 'walk', stamp: 'walk', moves, parts: [], hypothesis: `${said.join(', ')}: a random walk around ${bench.history.best.trial}`.slice(0, 600) };
  }
}

/** A move that is no longer there, in a person's words. */
function sayWithout(text: string): string {
  const move = readMove(text);
  return move?.kind === 'knob' ? `${move.name} as in the baseline` : `without ${text.slice(5)}`;
}

function turn(bench: Bench, at: number): string | null {
  const knob = bench.knobs[at >> 1];
  if (knob === undefined) return null;
  if (knob.choices.length > 0) {
    const others = knob.choices.filter((choice) => choice !== knob.value);
    const choice = others[bench.chance.below(others.length)];
    return choice === undefined ? null : knobMove(knob, choice);
  }
  const value = step(knob, knob.value, at % 2 === 0 ? 'up' : 'down', FACTORS[bench.chance.below(FACTORS.length)] ?? 2);
  return value === null ? null : knobMove(knob, value);
}
