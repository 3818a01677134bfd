import { expect, test } from 'vitest';
import { build, composeProposer, type ComposeStrategy, type Draft, type Thought } from '../../src/actors/specialist/index.ts';
import { mostTrials } from '../../src/actors/specialist/proposers/compose/plan.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { openComponents } from '../../src/domain/components.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import { plainTable, type Tables } from '../../src/domain/symbol.ts';
import type { LineageRow } from '../../src/protocols/lineage.ts';
import { BASELINE, LIBRARY, OBJECTIVE, Simulation, syntax } from './laboratory/simulation.ts';

const tablesOf = (recipe: Recipe): Tables => Object.fromEntries(Object.entries(recipe).map(([file, text]) => [file, file.endsWith('.py') ? syntax.symbols(text) : plainTable(text)]));
const reading = { plain: tablesOf, divided: tablesOf };
const recipeOf = (moves: readonly string[]): Recipe => {
  const built = build(BASELINE, moves, LIBRARY, syntax);
  if (built.kind === 'refused') throw new Error(built.reason);
  return built.recipe;
};
const [WIDTH, BATCH, RATE] = ['knob:model.py:WIDTH=64', 'knob:data.py:BATCH=16', 'knob:optimizer.py:RATE=4e-3'] as const;

/** A run in which trials were kept as told: a specialist, its parent, its moves, and what it gained over its parent. */
class Kept extends Simulation {
  async keep(specialist: string, parent: string, moves: readonly string[], gain: number): Promise<string> {
    const under = this.rows.find((row) => row.trial === parent);
    const row = await this.admit(specialist, { parent, hypothesis: `${specialist} has an idea`, expectedDelta: 0, patch: '', parts: [], proposer: { kind: 'search', strategy: 'screen', moves }, tokens: 0, money: 0 }, recipeOf(moves));
    return this.ended(row, 'keep', (under?.score ?? 0) - gain, parent);
  }
  /** Takes a composer's draft in, and ends it. */
  async take(draft: Draft, status: 'keep' | 'discard', score: number): Promise<string> {
    const parent = this.rows.find((row) => row.trial === draft.parent);
    const made = patches.apply(this.snapshots.get(parent?.snapshot ?? '') ?? {}, draft.patch);
    if (made.kind === 'refused') throw new Error(made.message);
    return this.ended(await this.admit('composer', draft, made.recipe), status, score, draft.parent);
  }
  ended(row: LineageRow, status: 'keep' | 'discard', score: number, against: string): string {
    const at = this.rows.indexOf(row);
    this.rows[at] = { ...row, status, score, judgedAgainst: against, deltaVsBest: score - (this.rows.find((one) => one.trial === against)?.score ?? 0), seq: (this.seq += 1) };
    return row.trial;
  }
  think(strategy: ComposeStrategy, whole = false): Promise<Thought> {
    const head = this.rows.findLast((row) => row.status === 'keep') ?? this.rows[0];
    const view = { ...this.view(), best: { trial: head?.trial ?? '', score: head?.score ?? null, snapshot: head?.snapshot ?? '' } };
    return composeProposer({ strategy, whole, objective: OBJECTIVE, reading }, { patches }).propose(view, new AbortController().signal);
  }
  async draft(strategy: ComposeStrategy, whole = false): Promise<Draft> {
    const thought = await this.think(strategy, whole);
    if (thought.kind === 'nothing') throw new Error(thought.reason);
    expect(await this.think(strategy, whole)).toEqual(thought); // the same view, the same thought
    return thought.draft;
  }
}
/** Three kept side by side on the baseline; the last is the best. */
async function apart(): Promise<Kept> {
  const run = await new Kept(0).begin();
  await run.keep('architecture', 't0000', [WIDTH], 0.1);
  await run.keep('optimizer', 't0000', [RATE], 0.2);
  await run.keep('data', 't0000', [BATCH], 0.3);
  return run;
}
const nothing = async (thought: Promise<Thought>): Promise<string> => { const told = await thought; return told.kind === 'nothing' ? told.reason : `proposed ${told.draft.proposer.strategy}`; };

test('greedy has one turn for each component that lies apart, the largest gain first, on whatever is the best by then', async () => {
  const run = await apart();
  const first = await run.draft('greedy');
  expect([first.proposer.strategy, first.parent, first.parts, first.proposer.moves, first.expectedDelta]).toEqual(['greedy(t0002)', 't0003', ['t0002', 't0003'], [BATCH, RATE].sort(), expect.closeTo(-0.2, 6)]);
  await run.take(first, 'keep', 2.9);
  const second = await run.draft('greedy');
  expect([second.proposer.strategy, second.parent, second.parts]).toEqual(['greedy(t0001)', 't0004', ['t0001', 't0002', 't0003']]);
  const made = patches.apply(recipeOf([BATCH, RATE]), second.patch);
  expect(made).toMatchObject({ kind: 'applied', recipe: recipeOf([BATCH, RATE, WIDTH]) });
  await run.take(second, 'discard', 3.1);
  expect(await nothing(run.think('greedy'))).toContain('nothing that was kept lies apart from t0004');
});

test('greedy waits for its own trial, and passes over what the best has otherwise, saying so', async () => {
  const run = await new Kept(0).begin();
  await run.keep('architecture', 't0000', ['knob:model.py:WIDTH=48'], 0.1);
  await run.keep('data', 't0000', [BATCH], 0.2);
  await run.keep('architecture', 't0002', [BATCH, WIDTH], 0.3);
  expect(await nothing(run.think('greedy'))).toMatch(/cannot be merged: t0001 changes `WIDTH` in model\.py, which is not as it found it/);
  const other = await apart();
  await other.admit('composer', await other.draft('greedy'), recipeOf([BATCH, RATE]));
  expect(await nothing(other.think('greedy'))).toContain('t0004 has not ended');
});

test('ablating tries all at once, then leaves out each in turn from the kept trial that has most of the rest', async () => {
  const run = await apart();
  const all = await run.draft('ablate');
  expect([all.proposer.strategy, all.parent, all.parts, all.expectedDelta]).toEqual(['ablate(all)', 't0003', ['t0001', 't0002', 't0003'], expect.closeTo(-0.3, 6)]);
  await run.take(all, 'discard', 3.3); // whatever became of it
  const tried: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    const draft = await run.draft('ablate');
    tried.push([draft.proposer.strategy, draft.parent, draft.parts]);
    await run.take(draft, 'discard', 3.4);
  }
  expect(tried).toEqual([
    ['ablate(without t0001 of 3)', 't0003', ['t0002', 't0003']], ['ablate(without t0002 of 3)', 't0003', ['t0001', 't0003']], ['ablate(without t0003 of 3)', 't0002', ['t0001', 't0002']],
  ]);
  expect(await nothing(run.think('ablate'))).toBe('every component was left out once');
});

test('a component that others build on is not left out alone', async () => {
  const run = await new Kept(0).begin();
  await run.keep('architecture', 't0000', [WIDTH], 0.1);
  await run.keep('architecture', 't0001', ['knob:model.py:WIDTH=96'], 0.1);
  await run.keep('data', 't0002', ['knob:model.py:WIDTH=96', BATCH], 0.1);
  const without = await run.draft('ablate', true);
  expect([without.proposer.strategy, without.parent, without.parts]).toEqual(['ablate(without t0002 of 3)', 't0001', ['t0001', 't0003']]);
  await run.take(without, 'discard', 3.4);
  expect(await nothing(run.think('ablate', true))).toMatch(/t0002 changes `WIDTH` in model\.py/);
});

test('a best that nothing lies apart from is taken to pieces only when that is asked for', async () => {
  const run = await new Kept(0).begin();
  await run.keep('architecture', 't0000', [WIDTH], 0.1);
  await run.keep('data', 't0001', [BATCH, WIDTH], 0.2);
  expect(await nothing(run.think('ablate'))).toContain('nothing that was kept lies apart');
  expect((await run.draft('ablate', true)).parts).toEqual(['t0002']); // without t0001; without t0002 is t0001 itself
});

test('what a plan may take is known beforehand: its turns, without what was measured already', async () => {
  const made = (trial: string, parent: string, parts: string[] = []) => ({ trial, parent, parts, isKept: true });
  const side = [made('t0000', 't0000'), made('t0001', 't0000'), made('t0002', 't0000'), made('t0003', 't0000')];
  const count = (strategy: ComposeStrategy, best: string, rows: ReturnType<typeof made>[], whole = true): number => {
    const components = openComponents(rows);
    return mostTrials({ strategy, whole, best, components, tried: rows.map((row) => ({ stamp: row.parts.length > 0 ? 'greedy(t0002)' : '', components: components.of(row.trial) })) });
  };
  expect([count('greedy', 't0003', side), count('ablate', 't0003', side)]).toEqual([2, 4]);
  const merged = [...side, made('t0004', 't0003', ['t0002', 't0003'])];
  expect([count('greedy', 't0004', merged), count('ablate', 't0004', merged)]).toEqual([1, 3]); // all, without t0002, without t0003
  const chain = [made('t0000', 't0000'), made('t0001', 't0000'), made('t0002', 't0001')];
  expect([count('greedy', 't0002', chain), count('ablate', 't0002', chain), count('ablate', 't0002', chain, false)]).toEqual([0, 1, 0]);
});
