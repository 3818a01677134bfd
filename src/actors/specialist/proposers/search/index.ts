import type { Patches, Syntax } from '../../../../ports.ts';
import type { Proposer, SpecialistView, Thought } from '../../proposer.ts';
import type { Bench } from './candidate.ts';
import { chance } from '../moves/chance.ts';
import { choose } from './choose.ts';
import { draftOn } from '../moves/draft.ts';
import { grounds, type Ground } from '../moves/ground.ts';
import { openBeliefs } from './belief.ts';
import { worthUnder } from './worth.ts';
import { readHistory, type History } from './history.ts';
import type { ProposerOptions } from '../options.ts';
import { knobsOf } from '../moves/knob.ts';

// The search proposer: no key, no network, no clock.
//
//   P1. A proposal is a function of the seed, the specialist and the view; two asked the same say the same.
//   P2. Nothing is proposed twice: neither a set of moves nor a recipe that the lineage holds in any state.
//   P3. Every proposal starts from the best there is, and changes what its specialist may change.
//   P4. Without lineage it sees one row, the best, and draws its order anew at every position.

/** What a search is opened with. */
export type SearchOptions = ProposerOptions;

/** Opens the proposer for one specialist of one run. */
export function searchProposer(options: SearchOptions, { syntax, patches }: { readonly syntax: Syntax; readonly patches: Patches }): Proposer {
  const groundOf = grounds(options, syntax);
  return {
    async propose(view, signal): Promise<Thought> {
      const history = readHistory(view, options.objective);
      if (history === null) return { kind: 'nothing', reason: 'the baseline has no result yet' };
      const ground = await groundOf(history.best, view); // P3
      if (ground === null) return { kind: 'nothing', reason: `the code of ${history.best.trial} cannot be read` };
      const bench = benchOf(history, view, ground);
      for (const candidate of choose(bench, options.lineage)) {
        signal.throwIfAborted();
        const { stamp, moves, hypothesis, parts } = candidate;
        const draft = draftOn(history.best, ground, history, { kind: 'search', stamp, moves, hypothesis, parts, expectedDelta: () => expected(bench, moves) }, patches); // P2
        if (draft !== null) return { kind: 'proposal', draft };
      }
      return { kind: 'nothing', reason: `every edit, knob and walk of ${options.specialist} around ${history.best.trial} has been tried` };
    },
  };

  /** The signed change of the score to expect. */
  function expected({ believe, moves: before }: Bench, moves: readonly string[]): number {
    const gain = Number(believe(moves, before).mean.toPrecision(4));
    return options.objective.direction === 'minimize' ? 0 - gain : gain;
  }

  function benchOf(history: History, view: SpecialistView, ground: Ground): Bench {
    const key = `${options.seed} ${options.specialist}`;
    const order = options.lineage ? key : `${key} ${view.asOf}`; // P4
    // With lineage only what a specialist may see decides (P1): how many trials there are, and how many of them have ended.
    const state = options.lineage ? `${key} ${view.rows.length} ${view.rows.filter((row) => row.status !== null).length} ${history.best.trial}` : order;
    const believe = openBeliefs(history);
    const worth = worthUnder(history.keep, history.noise);
    return {
      specialist: options.specialist, history, believe, worthOf: (moves) => worth(believe(moves, history.best.moves)), moves: history.best.moves, recipe: ground.recipe, build: ground.build, syntax, owns: options.owns,
      knobs: knobsOf(ground.recipe, options.owns, syntax),
      edits: options.library.filter((edit) => options.roles.includes(edit.specialist)), library: options.library,
      rank: (name) => chance(`${order} ${name}`).next(), chance: chance(state),
    };
  }
}
