import { compose, describeConflict, type Change, type Composition, type Reading } from '../../../../domain/compose.ts';
import { COMPOSER, type Components } from '../../../../domain/components.ts';
import { trialNumber } from '../../../../domain/ids.ts';
import type { Objective } from '../../../../domain/objective.ts';
import { canonicalRecipe, type Recipe } from '../../../../domain/recipe.ts';
import type { Patches } from '../../../../ports.ts';
import type { LineageRow } from '../../../../protocols/lineage.ts';
import { sha256 } from '../../fingerprint.ts';
import type { Proposer, SpecialistView, Thought } from '../../proposer.ts';
import { seenIn } from '../moves/draft.ts';
import { change as changeMoves, difference } from '../moves/move.ts';
import { readHistory, type History } from '../search/history.ts';
import { plan, type ComposeStrategy, type Target } from './plan.ts';

// The composer: what different specialists had kept on different branches becomes one trial. It changes nothing itself.
//
//   K1. A proposal is a function of the view: everything it knows is in the lineage up to there.
//   K2. A set of components is built on the kept trial that has most of them and nothing else, and names all of them as its parts.
//   K3. What cannot be merged, or was tried in any state, is passed over; the next in the plan has its turn.

export interface ComposeOptions {
  readonly strategy: ComposeStrategy;
  readonly whole: boolean;
  readonly objective: Objective;
  readonly reading: Reading;
}

/** Opens the composer of a run. */
export function composeProposer({ strategy, whole, objective, reading }: ComposeOptions, { patches }: { readonly patches: Patches }): Proposer {
  return {
    async propose(view, signal): Promise<Thought> {
      const history = readHistory(view, objective);
      if (history === null) return { kind: 'nothing', reason: 'the baseline has no result yet' };
      const { best } = history;
      const bench = benchOf(view, history);
      const planned = await plan({
        strategy, whole, best: best.trial, components: bench.components, gainOf: bench.gainOf,
        tried: view.rows.map((row) => ({ trial: row.trial, stamp: row.specialist === COMPOSER ? row.strategy : '', components: bench.components.of(row.trial), isOpen: row.status === null })).filter((one) => one.stamp !== '' || isKept(view.rows.find((row) => row.trial === one.trial))),
        fits: async (components) => (await merge(bench, components, reading)).composed.kind === 'composed',
      });
      if (planned.kind === 'wait') return { kind: 'nothing', reason: planned.reason };
      const seen = seenIn(view.rows);
      const passed: string[] = [];
      for (const target of planned.targets) { // K3
        signal.throwIfAborted();
        const { parent, before, composed } = await merge(bench, target.components, reading);
        if (composed.kind === 'conflict') { passed.push(...composed.conflicts.slice(0, 1).map(describeConflict)); continue; }
        if (seen.snapshots.has(sha256(canonicalRecipe(composed.recipe)))) { passed.push(`${target.stamp} is a recipe that was tried`); continue; }
        return {
          kind: 'proposal',
          draft: {
            parent: parent.trial, hypothesis: say(bench, target, best.trial), expectedDelta: expected(bench, target, objective), patch: patches.diff(before, composed.recipe), parts: [...target.components].sort((a, b) => trialNumber(a) - trialNumber(b)),
            proposer: { kind: 'compose', strategy: target.stamp, moves: movesOf(bench, parent, target.components) }, tokens: 0, money: 0,
          },
        };
      }
      return { kind: 'nothing', reason: `what is left cannot be merged: ${passed.join('; ')}`.slice(0, 400) };
    },
  };
}

interface ComposeBench { readonly history: History; readonly components: Components; readonly rows: ReadonlyMap<string, LineageRow>; readonly gainOf: (component: string) => number; readonly recipeOf: (trial: string) => Promise<Recipe> }

/** Trials that have a place among the best: the baseline, and what was kept. */
const isKept = (row: LineageRow | undefined): boolean => row?.status === 'keep' || row?.status === 'baseline';

function benchOf(view: SpecialistView, history: History): ComposeBench {
  const rows = new Map(view.rows.map((row) => [row.trial, row]));
  const gains = new Map(history.attempts.map((attempt) => [attempt.row.trial, attempt.gain ?? 0]));
  const known = new Map<string, Promise<Recipe>>();
  const read = async (trial: string): Promise<Recipe> => {
    const recipe = await view.recipeOf(rows.get(trial)?.snapshot ?? '');
    if (recipe === null) throw new Error(`the code of ${trial} cannot be read`);
    return recipe;
  };
  return {
    history, rows, components: history.components, gainOf: (component) => gains.get(component) ?? 0,
    recipeOf(trial) {
      const found = known.get(trial) ?? read(trial);
      known.set(trial, found);
      return found;
    },
  };
}

/** A set of components on the kept trial that has most of them and nothing else (K2). */
async function merge({ rows, components, recipeOf }: ComposeBench, wanted: ReadonlySet<string>, reading: Reading): Promise<{ readonly parent: LineageRow; readonly before: Recipe; readonly composed: Composition }> {
  const grounds = [...rows.values()].filter((row) => isKept(row) && row.snapshot !== null && [...components.of(row.trial)].every((component) => wanted.has(component)));
  const parent = grounds.reduce((most, row) => (components.of(row.trial).size >= components.of(most.trial).size ? row : most)); // the baseline is always among them
  const has = components.of(parent.trial);
  const changes = await Promise.all([...wanted].filter((component) => !has.has(component)).map(async (trial): Promise<Change> => ({ trial, before: await recipeOf(components.ground(trial)), after: await recipeOf(trial) })));
  const before = await recipeOf(parent.trial);
  return { parent, before, composed: compose(before, changes, reading) };
}

/** The named moves of a set: those of its ground, and what each component put and took. */
function movesOf({ rows, components }: ComposeBench, parent: LineageRow, wanted: ReadonlySet<string>): string[] {
  const has = components.of(parent.trial);
  return [...wanted].filter((component) => !has.has(component)).reduce<string[]>((moves, component) => {
    const { put, taken } = difference(rows.get(component)?.moves ?? [], rows.get(components.ground(component))?.moves ?? []);
    return changeMoves(moves, put, taken);
  }, [...parent.moves]).slice(0, 128);
}

/** The change to expect against the best, which it will be judged by: the sum of what its components gained. */
function expected({ gainOf, components, history }: ComposeBench, { put, without }: Target, objective: Objective): number {
  const isLost = without !== null && components.of(history.best.trial).has(without);
  const gain = Number((put.reduce((sum, component) => sum + gainOf(component), 0) - (isLost ? gainOf(without) : 0)).toPrecision(4));
  return objective.direction === 'minimize' ? -gain : gain;
}

function say({ rows }: ComposeBench, { components, put, without }: Target, best: string): string {
  const name = (component: string): string => `${rows.get(component)?.specialist ?? 'someone'}'s ${component}`;
  if (without !== null) return `the other ${components.size} without ${name(without)}: what is it worth among them?`;
  return `${put.map(name).join(' and ')} onto ${best}: kept apart, so together they should add up`.slice(0, 600);
}
