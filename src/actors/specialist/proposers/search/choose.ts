import type { Bench, Candidate, Strategy } from './candidate.ts';
import { compose, gather, rebase } from './reunite.ts';
import { exploit } from './exploit.ts';
import { repair } from './repair.ts';
import { screenEdits, screenKnobs } from './screen.ts';
import { walk } from './walk.ts';
import { STRATEGIES } from './candidate.ts';
import type { Attempt, History } from './history.ts';

// Which way to come to the next proposal.
//
//   C1. Strategies compete by Thompson sampling: each draws from the Beta distribution of its successes and failures so far in
//       this run, and the largest draw goes first. A success is a keep; a likely gain that was not kept is luck as often as not.
//   C2. Everyone's trials count as evidence about a strategy; only one's own partition yields proposals.
//   C3. Before there is evidence the priors below stand. They rank ways of using the lineage, never single moves: somebody wrote an edit because it
//       ought to help, while most steps of a knob that was set with care do not. They were chosen on surfaces measured by arithmetic, not on a real one.
//   C4. Walking waits until no other strategy has anything to say; without lineage it takes its turn, because spent moves are not known there.

/** Successes and failures each strategy is credited with at the start. */
const PRIOR: Readonly<Record<Strategy, readonly [number, number]>> = {
  'screen edit': [4, 2], 'screen knob': [1, 5], exploit: [2, 3], rebase: [2, 1], repair: [2, 1], compose: [3, 1], gather: [2, 1], walk: [1, 2],
};

const SOURCES: Readonly<Record<Strategy, (bench: Bench) => Iterable<Candidate>>> = {
  'screen edit': screenEdits, 'screen knob': screenKnobs, exploit, rebase, repair, compose, gather, walk,
};

/** What strategy a trial of the lineage came from; null for another kind of proposer's. */
export function strategyOf(attempt: Attempt): Strategy | null {
  const word = /^[a-z]+/.exec(attempt.row.strategy)?.[0] ?? '';
  if (word === 'screen') return attempt.put.some((move) => move.startsWith('edit:')) ? 'screen edit' : 'screen knob';
  return STRATEGIES.find((strategy) => strategy === word) ?? null;
}

/** How often a strategy succeeded and failed; unfinished and refused trials say nothing. */
export function record(history: History, strategy: Strategy): { readonly successes: number; readonly failures: number } { // C2
  const ended = history.attempts.filter((attempt) => strategyOf(attempt) === strategy && attempt.verdict !== 'open' && attempt.verdict !== 'refused');
  const successes = ended.filter((attempt) => attempt.verdict === 'kept').length;
  return { successes, failures: ended.length - successes };
}

/** Everything that may be proposed, in the order in which it should be considered. */
export function* choose(bench: Bench, lineage: boolean): Generator<Candidate> {
  const drawn = STRATEGIES.map((strategy) => {
    const [a, b] = PRIOR[strategy]; // C3
    const { successes, failures } = record(bench.history, strategy);
    return { strategy, draw: bench.chance.beta(a + successes, b + failures) }; // C1
  });
  const last = (strategy: Strategy): boolean => lineage && strategy === 'walk'; // C4
  drawn.sort((x, y) => Number(last(x.strategy)) - Number(last(y.strategy)) || y.draw - x.draw);
  for (const { strategy } of drawn) yield* SOURCES[strategy](bench);
}
