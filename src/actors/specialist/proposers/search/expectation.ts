import type { Objective } from '../../../../domain/objective.ts';
import type { Strategy } from './candidate.ts';
import { strategyOf } from './choose.ts';
import type { History } from './history.ts';

/** How many imagined trials stand behind the first guess. */
const WEIGHT = 4;

/**
 * The signed change of the score to expect: the mean gain of this strategy so far, counted double where the specialist is the same,
 * drawn towards half the noise. Failures count as no gain.
 */
export function expect(history: History, specialist: string, strategy: Strategy, objective: Objective): number {
  const ended = history.attempts.filter((attempt) => strategyOf(attempt) === strategy && attempt.verdict !== 'open' && attempt.verdict !== 'refused');
  let sum = WEIGHT * 0.5 * history.noise;
  let weight = WEIGHT;
  for (const attempt of ended) {
    const counts = attempt.row.specialist === specialist ? 2 : 1;
    sum += counts * (attempt.verdict === 'failed' ? 0 : attempt.gain ?? 0);
    weight += counts;
  }
  const gain = Number((sum / weight).toPrecision(4));
  return objective.direction === 'minimize' ? -gain : gain;
}
