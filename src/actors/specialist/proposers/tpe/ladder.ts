import { numberOf, writeFloat, type Knob } from '../moves/knob.ts';

// A numeric knob as whole rungs: each is half a doubling, and rung 0 is the value itself.
//
//   L1. A share between one half and one climbs on what it lacks to one, as a search's steps do.
//   L2. What is zero has rungs above it only.

/** Beyond this no recipe has gone; a value further off counts as the last rung. */
const LAST = 32;

/** The literal on a rung above or below a value. */
export function literalAt(knob: Knob, from: string, rung: number): string {
  const value = numberOf(from);
  if (rung === 0 || !Number.isFinite(value)) return from;
  const ratio = 2 ** (rung / 2);
  if (knob.type === 'int') return value === 0 ? (rung < 0 ? from : String(Math.round(2 ** ((rung - 1) / 2)))) : wholeOr(from, Math.round(value * ratio)); // L2
  if (value === 0) return rung < 0 ? from : writeFloat(0.1 * 2 ** ((rung - 1) / 2)); // L2
  return writeFloat(value > 0.5 && value < 1 ? 1 - (1 - value) / ratio : value * ratio); // L1
}

/** The rung nearest to where a value lies above or below another. */
export function rungOf(knob: Knob, from: string, value: string): number {
  if (value === from) return 0;
  const wanted = numberOf(value);
  let nearest = 0;
  for (let rung = -LAST; rung <= LAST; rung++) {
    const off = Math.abs(numberOf(literalAt(knob, from, rung)) - wanted);
    const best = Math.abs(numberOf(literalAt(knob, from, nearest)) - wanted);
    if (off < best || (off === best && Math.abs(rung) < Math.abs(nearest))) nearest = rung;
  }
  return nearest;
}

/** A whole number that rounding has not taken to nothing. */
const wholeOr = (from: string, value: number): string => (value === 0 || value === numberOf(from) ? from : String(value));
