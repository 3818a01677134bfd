import { fallback, isMine, proposed, ranked, sayMove, type Bench, type Candidate } from './candidate.ts';
import { isSingle } from './history.ts';
import { numberOf, step, type Knob } from '../moves/knob.ts';
import { editMove, knobMove, readMove, slotOf } from '../moves/move.ts';

// Screening: every edit and both directions of every knob once, by themselves, on the best there is.
//
//   S1. Only the seed orders what is untried; nothing is ranked beforehand.
//   S2. A move that ended in any way, or is on its way, was screened; that it lost says enough for now.

/** How far a first step on a knob goes: far enough to leave the noise. */
export const FIRST_STEP = 2;

/** Edits of this specialist that were never tried alone, each with its move. */
export function screenEdits(bench: Bench): (Candidate & { readonly put: string })[] {
  const screened = new Set(bench.history.attempts.filter((attempt) => isSingle(attempt) || attempt.verdict === 'open').flatMap((attempt) => attempt.put));
  const fresh = bench.edits.filter((edit) => !bench.moves.includes(editMove(edit)) && !screened.has(editMove(edit))); // S2
  return ranked(bench, fresh, editMove).flatMap((edit) => // S1
    proposed(bench, { stamp: 'screen', put: [editMove(edit)], hypothesis: edit.hypothesis }).map((candidate) => ({ ...candidate, put: editMove(edit) })));
}

/** First steps on knobs of this specialist that nobody took. */
export function screenKnobs(bench: Bench): Candidate[] {
  const steps = bench.knobs.flatMap((knob) => untriedSteps(bench, knob).map((value) => ({ knob, ...value })));
  return ranked(bench, steps, ({ knob, way }) => `${slotOf(knobMove(knob, ''))} ${way}`).flatMap(({ knob, value }) => // S1
    proposed(bench, { stamp: 'screen', put: [knobMove(knob, value)], hypothesis: `${sayMove(bench, knobMove(knob, value))} in ${knob.file}: ${why(knob)}` }));
}

/** The first steps a knob has left, each with the way it goes. */
export function untriedSteps(bench: Bench, knob: Knob): { readonly way: string; readonly value: string }[] {
  const slot = slotOf(knobMove(knob, ''));
  const isMoved = bench.moves.some((move) => slotOf(move) === slot);
  const old = isMoved ? fallback(bench, { kind: 'knob', ...knob }) : null; // where it came from was measured with the parent
  const tried = [...bench.history.valuesTried(slot), ...(old === null ? [] : [old])];
  if (knob.type === 'bool' || knob.type === 'choice') {
    return knob.choices.filter((choice) => choice !== knob.value && !tried.includes(choice)).map((choice) => ({ way: choice, value: choice }));
  }
  const now = numberOf(knob.value);
  return (['up', 'down'] as const).flatMap((way) => {
    const value = step(knob, knob.value, way, FIRST_STEP);
    const went = tried.map(numberOf).some((other) => (way === 'up' ? other > now : other < now)); // S2
    return value === null || went ? [] : [{ way, value }];
  });
}

const why = (knob: Knob): string =>
  knob.type === 'bool' ? 'is the flag worth what it costs?' : knob.type === 'choice' ? 'another of its named choices may suit this budget better' : 'one long step shows which way it pays';

/**
 * Whether trials of mine already speak against taking a move alone: an edit that failed, lost or stayed in the noise; a knob's value that
 * did, or one beyond a value that failed or lost.
 */
export function isSpent(bench: Bench, text: string): boolean {
  const move = readMove(text);
  const slot = slotOf(text);
  const singles = bench.history.alone(slot).filter((attempt) => attempt.verdict !== 'kept' && attempt.verdict !== 'better');
  if (move?.kind !== 'knob') return singles.length > 0;
  const now = numberOf(bench.knobs.find((knob) => knob.file === move.file && knob.name === move.name)?.value ?? '');
  const wanted = numberOf(move.value);
  return singles.some((attempt) => {
    const value = (attempt.put[0] ?? '').slice(slot.length + 1);
    if (value === move.value) return true;
    const other = numberOf(value);
    return (attempt.verdict === 'worse' || attempt.verdict === 'failed') && (wanted > now ? other > now && wanted > other : other < now && wanted < other);
  });
}

/** Edits that crashed, were refused or missed a gate when they stood alone: company does not mend that. */
export function isBarred(bench: Bench, text: string): boolean {
  return bench.history.alone(slotOf(text)).some((attempt) => attempt.put[0] === text && isMine(bench, text)
    && (attempt.verdict === 'failed' ? attempt.row.status !== 'size_blocked' && !attempt.row.status?.endsWith('overrun') : attempt.verdict === 'refused' && !/duplicate|already/i.test(attempt.row.rejection ?? '')));
}
