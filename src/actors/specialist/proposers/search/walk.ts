import { isMine, join, sayMove, type Bench, type Candidate } from './candidate.ts';
import { step } from './knob.ts';
import { editMove, knobMove } from './move.ts';
import { isBarred, isSpent } from './screen.ts';

// Walking: a few random changes of mine around the best, for when single moves are spent.
//
//   W1. A move that is spent never walks alone, and one that crashed or was refused alone does not walk at all.
//   W2. Short walks are the likelier ones: of two changes one undoes the other more often than not.

/** How many walks are drawn before it is said that there is nothing left. */
const DRAWS = 200;
const FACTORS = [2, 1.5, 1.25];
const LENGTHS = [1, 1, 1, 2, 2, 3]; // W2

/** Random walks of one to three changes, drawn as they are asked for. */
export function* walk(bench: Bench): Generator<Candidate> {
  const edits = bench.edits.map(editMove).filter((move) => !isBarred(bench, move)); // W1
  for (let draw = 0; draw < DRAWS; draw++) {
    const length = LENGTHS[bench.chance.below(LENGTHS.length)] ?? 1;
    let moves = [...bench.moves];
    const said: string[] = [];
    const put: string[] = [];
    for (let i = 0; i < length; i++) {
      const at = bench.chance.below(edits.length + 2 * bench.knobs.length);
      const edit = edits[at];
      if (edit !== undefined && moves.includes(edit) && isMine(bench, edit)) {
        moves = moves.filter((move) => move !== edit);
        said.push(`without ${edit.slice(5)}`);
        continue;
      }
      const move = edit ?? turn(bench, at - edits.length);
      if (move === null || isBarred(bench, move)) continue; // W1
      moves = join(bench, moves, [move]);
      put.push(move);
      said.push(edit === undefined ? sayMove(bench, move) : `with ${edit.slice(5)}`);
    }
    if (said.length === 0 || (put.length === 1 && said.length === 1 && isSpent(bench, put[0] ?? ''))) continue; // W1
    yield { strategy: 'walk', stamp: 'walk', moves, parts: [], hypothesis: `${said.join(', ')}: a random walk around ${bench.history.best.trial}`.slice(0, 600) };
  }
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
