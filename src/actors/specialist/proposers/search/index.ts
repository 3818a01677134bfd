import type { Objective } from '../../../../domain/objective.ts';
import { canonicalRecipe, type Recipe } from '../../../../domain/recipe.ts';
import type { Patches, Syntax } from '../../../../ports.ts';
import { sha256 } from '../../fingerprint.ts';
import type { Proposer, SpecialistView, Thought } from '../../proposer.ts';
import { builder, type Built } from '../moves/build.ts';
import type { Bench } from './candidate.ts';
import { chance } from '../moves/chance.ts';
import { choose } from './choose.ts';
import type { Edit } from '../moves/edit.ts';
import { expect } from './expectation.ts';
import { readHistory, type History } from './history.ts';
import { knobsOf } from '../moves/knob.ts';
import { keyOf } from '../moves/move.ts';

// The search proposer: no key, no network, no clock.
//
//   P1. A proposal is a function of the seed, the specialist and the view; two asked the same say the same.
//   P2. Nothing is proposed twice: neither a set of moves nor a recipe that the lineage holds in any state.
//   P3. Every proposal starts from the best there is, and changes what its specialist may change.
//   P4. Without lineage it sees one row, the best, and draws its order anew at every position.

export interface SearchOptions {
  readonly seed: number;
  readonly specialist: string;
  /** Specialists whose edits it may make: itself, or all of them for an agent without a partition. */
  readonly roles: readonly string[];
  readonly owns: (file: string, symbol: string) => boolean;
  readonly objective: Objective;
  readonly baseline: Recipe;
  /** Every edit of the surface: those of others are needed to build their recipes. */
  readonly library: readonly Edit[];
  readonly lineage: boolean;
}

/** Opens the proposer for one specialist of one run. */
export function searchProposer(options: SearchOptions, { syntax, patches }: { readonly syntax: Syntax; readonly patches: Patches }): Proposer {
  const fromBaseline = builder(options.baseline, options.library, syntax);
  return {
    async propose(view, signal): Promise<Thought> {
      const history = readHistory(view, options.objective);
      if (history === null) return { kind: 'nothing', reason: 'the baseline has no result yet' };
      const ground = await groundOf(history, view);
      if (ground === null) return { kind: 'nothing', reason: `the code of ${history.best.trial} cannot be read` };
      const bench = benchOf(history, view, ground);
      const before = canonicalRecipe(ground.recipe);
      for (const candidate of choose(bench, options.lineage)) {
        signal.throwIfAborted();
        const built = ground.build(candidate.moves);
        if (built.kind === 'refused' || built.moves.length > 128 || history.keys.has(keyOf(built.moves))) continue; // P2
        const canonical = canonicalRecipe(built.recipe);
        if (canonical === before || history.snapshots.has(sha256(canonical))) continue; // P2
        const expectedDelta = expect(history, options.specialist, candidate.strategy, options.objective);
        return {
          kind: 'proposal',
          draft: {
            parent: history.best.trial, hypothesis: tidy(candidate.hypothesis), expectedDelta, patch: patches.diff(ground.recipe, built.recipe), parts: candidate.parts,
            proposer: { kind: 'search', strategy: candidate.stamp, moves: built.moves }, tokens: 0, money: 0,
          },
        };
      }
      return { kind: 'nothing', reason: `every edit, knob and walk of ${options.specialist} around ${history.best.trial} has been tried` };
    },
  };

  interface Ground { readonly recipe: Recipe; readonly build: (moves: readonly string[]) => Built }

  /** The best's recipe, and how others are built: from the baseline, or on top of a best that another kind of proposer wrote. */
  async function groundOf({ best }: History, view: SpecialistView): Promise<Ground | null> { // P3
    const again = fromBaseline(best.moves);
    if (again.kind === 'built' && sha256(canonicalRecipe(again.recipe)) === best.snapshot) return { recipe: again.recipe, build: fromBaseline };
    const recipe = best.snapshot === null ? null : await view.recipeOf(best.snapshot);
    if (recipe === null) return null;
    const onTop = builder(recipe, options.library, syntax);
    return {
      recipe,
      build: (moves) => {
        const built = onTop(moves.filter((move) => !best.moves.includes(move)));
        return built.kind === 'refused' ? built : { ...built, moves: [...best.moves, ...built.moves].sort() };
      },
    };
  }

  function benchOf(history: History, view: SpecialistView, ground: Ground): Bench {
    const key = `${options.seed} ${options.specialist}`;
    const order = options.lineage ? key : `${key} ${view.asOf}`; // P4
    // With lineage only what a specialist may see decides (P1): how many trials there are, and how many of them have ended.
    const state = options.lineage ? `${key} ${view.rows.length} ${view.rows.filter((row) => row.status !== null).length} ${history.best.trial}` : order;
    return {
      specialist: options.specialist, history, moves: history.best.moves, recipe: ground.recipe, build: ground.build, syntax, owns: options.owns,
      knobs: knobsOf(ground.recipe, options.owns, syntax),
      edits: options.library.filter((edit) => options.roles.includes(edit.specialist)), library: options.library,
      rank: (name) => chance(`${order} ${name}`).next(), chance: chance(state),
    };
  }
}

/** One line without control characters, as the wire wants it. */
const tidy = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 600);
