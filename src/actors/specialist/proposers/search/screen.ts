import { sayMove, isMine, join, ranked, type Bench, type Candidate } from './candidate.ts';
import { isSingle, valuesTried } from './history.ts';
import { numberOf, step, type Knob } from './knob.ts';
import { editMove, knobMove, slotOf } from './move.ts';

// Screening: every edit and both directions of every knob once, by themselves, on the best there is.
//
//   S1. Only the seed orders what is untried; nothing is ranked beforehand.
//   S2. A move that ended in any way, or is on its way, was screened; that it lost says enough for now.

/** How far a first step on a knob goes: far enough to leave the noise. */
export const FIRST_STEP = 2;

/** Edits of this specialist that were never tried alone. */
export function screenEdits(bench: Bench): Candidate[] {
  const screened = new Set(bench.history.attempts.filter((attempt) => isSingle(attempt) || attempt.verdict === 'open').flatMap((attempt) => attempt.put));
  const fresh = bench.edits.filter((edit) => !bench.moves.includes(editMove(edit)) && !screened.has(editMove(edit))); // S2
  return ranked(bench, fresh, editMove).map((edit) => ({ // S1
    strategy: 'screen edit', stamp: 'screen', moves: join(bench, bench.moves, [editMove(edit)]), hypothesis: edit.hypothesis, parts: [],
  }));
}

/** First steps on knobs of this specialist that nobody took. */
export function screenKnobs(bench: Bench): Candidate[] {
  const steps = bench.knobs.flatMap((knob) => untriedSteps(bench, knob).map((value) => ({ knob, ...value })));
  return ranked(bench, steps, ({ knob, way }) => `${slotOf(knobMove(knob, ''))} ${way}`).map(({ knob, value }) => { // S1
    const move = knobMove(knob, value);
    return { strategy: 'screen knob', stamp: 'screen', moves: join(bench, bench.moves, [move]), hypothesis: `${sayMove(bench, move)} in ${knob.file}: ${why(knob)}`, parts: [] };
  });
}

/** The first steps a knob has left, each with the way it goes. */
export function untriedSteps(bench: Bench, knob: Knob): { readonly way: string; readonly value: string }[] {
  const tried = valuesTried(bench.history, slotOf(knobMove(knob, '')));
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

/** Exact moves that ended a trial in a crash or a refusal when they stood alone, so that they are not tried alone again. */
export function barred(bench: Bench): Set<string> {
  const ended = bench.history.attempts.filter((attempt) => isSingle(attempt)
    && (attempt.row.status === 'crash' || attempt.row.status === 'preflight_crash' || attempt.row.status === 'tampered' || (attempt.row.status === 'rejected' && !/duplicate/i.test(attempt.row.rejection ?? ''))));
  return new Set(ended.flatMap((attempt) => attempt.put).filter((move) => isMine(bench, move)));
}
