import { build, repropose, type Draft, type SpecialistView } from '../../../src/actors/specialist/index.ts';
import { patches } from '../../../src/adapters/patches/index.ts';
import type { Recipe } from '../../../src/domain/recipe.ts';
import type { LineageRow } from '../../../src/protocols/lineage.ts';
import { BASELINE, BLANK, LIBRARY, optionsFor, Simulation, syntax } from './simulation.ts';

// What a lineage of a few telling trials makes the search consider, whatever its strategies' draw says.

export const recipeOf = (moves: readonly string[]): Recipe => {
  const built = build(BASELINE, moves, LIBRARY, syntax);
  if (built.kind === 'refused') throw new Error(built.reason);
  return built.recipe;
};

/** A lineage of these trials, in this order; the newest that was kept is the best. */
export const scene = async (rows: readonly Partial<LineageRow>[]): Promise<SpecialistView> => {
  const run = await new Simulation(0).begin();
  for (const row of rows) {
    const moves = row.moves ?? [];
    const admitted = await run.admit(row.specialist ?? 'architecture', { parent: row.parent ?? 't0000', hypothesis: 'a scene', expectedDelta: 0, patch: '', parts: [], proposer: { kind: 'search', strategy: row.strategy ?? 'screen', moves }, tokens: 0, money: 0 }, recipeOf(moves));
    Object.assign(admitted, row, { seq: (run.seq += 1) });
  }
  const best = [...run.rows].reverse().find((row) => row.status === 'keep') ?? run.rows[0];
  return { ...run.view(), best: { trial: best?.trial ?? '', score: best?.score ?? null, snapshot: best?.snapshot ?? '' } };
};

/** Every proposal it makes before it walks, in its order, when all it says is refused as tried already. */
export const proposals = async (view: SpecialistView, specialist: string): Promise<Draft[]> => {
  const drafts: Draft[] = [];
  const rows = [...view.rows];
  for (;;) {
    const thought = await repropose({ ...view, rows }, optionsFor(specialist), { syntax, patches });
    if (thought.kind === 'nothing' || thought.draft.proposer.strategy === 'walk') return drafts;
    drafts.push(thought.draft);
    rows.push({ ...BLANK, trial: `t${9000 + rows.length}`, specialist, parent: thought.draft.parent, status: 'rejected', rejection: 'a duplicate', moves: [...thought.draft.proposer.moves] });
  }
};

/** Those with this stamp. */
export const stamped = async (view: SpecialistView, specialist: string, stamp: string): Promise<Draft[]> =>
  (await proposals(view, specialist)).filter(({ proposer }) => proposer.strategy === stamp);

/** The model's width, as a move. */
export const W = (value: number): string => `knob:model.py:WIDTH=${value}`;
/** A measured trial that was not kept. */
export const valid = (score: number, against = 't0000', reference = 3.5): Partial<LineageRow> => ({ status: 'discard', score, judgedAgainst: against, deltaVsBest: score - reference, artifactBytes: 6400 });
