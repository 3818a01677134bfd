import type { Chance } from './chance.ts';
import { step, type Knob } from './knob.ts';
import { knobMove } from './move.ts';

/** How far a drawn step goes, as a factor. */
const FACTORS = [2, 1.5, 1.25];

/** One move out of all there are, edits and both directions of every knob alike; null where the drawn knob has no such step. */
export function drawMove(chance: Chance, edits: readonly string[], knobs: readonly Knob[]): string | null {
  const at = chance.below(edits.length + 2 * knobs.length);
  const edit = edits[at];
  if (edit !== undefined) return edit;
  const turn = at - edits.length;
  const knob = knobs[turn >> 1];
  if (knob === undefined) return null;
  if (knob.choices.length > 0) {
    const others = knob.choices.filter((choice) => choice !== knob.value);
    const choice = others[chance.below(others.length)];
    return choice === undefined ? null : knobMove(knob, choice);
  }
  const value = step(knob, knob.value, turn % 2 === 0 ? 'up' : 'down', FACTORS[chance.below(FACTORS.length)] ?? 2);
  return value === null ? null : knobMove(knob, value);
}
