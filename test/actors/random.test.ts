import { expect, test } from 'vitest';
import { build, openProposer, type Draft } from '../../src/actors/specialist/index.ts';
import { deprive } from '../../src/actors/specialist/decide.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import { BASELINE, FILES, LIBRARY, optionsFor, ROSTER, Simulation, syntax } from './laboratory/simulation.ts';

const ports = { syntax, patches, sampler: null };
const signal = new AbortController().signal;
const recipeOf = (moves: readonly string[]): Recipe => {
  const built = build(BASELINE, moves, LIBRARY, syntax);
  if (built.kind === 'refused') throw new Error(built.reason);
  return built.recipe;
};
const draw = async (run: Simulation, specialist: string, seed: number, lineage = true): Promise<Draft> => {
  const view = run.view();
  const thought = await openProposer('random', optionsFor(specialist, seed, lineage), ports).propose(lineage ? view : deprive(view), signal);
  if (thought.kind === 'nothing') throw new Error(thought.reason);
  return thought.draft;
};

test('a random proposal is one new move on the best, in its author\'s own file, and the same again when asked again', async () => {
  const run = await new Simulation(3).begin();
  const known = new Set([JSON.stringify(BASELINE)]);
  for (let i = 0; i < 60; i++) {
    const specialist = ROSTER[i % ROSTER.length] ?? '';
    const draft = await draw(run, specialist, 5);
    expect(await draw(run, specialist, 5)).toEqual(draft);
    const parent = run.rows.find((row) => row.trial === draft.parent);
    expect(draft.parent).toBe(run.best.trial);
    const before = recipeOf(parent?.moves ?? []);
    const after = recipeOf(draft.proposer.moves);
    expect(Object.keys(after).filter((file) => after[file] !== before[file])).toEqual([FILES[specialist]]);
    expect(patches.apply(before, draft.patch)).toMatchObject({ kind: 'applied', recipe: after });
    expect(draft.proposer.moves.filter((move) => !parent?.moves.includes(move)).length).toBeLessThanOrEqual(1);
    expect(known.has(JSON.stringify(after)), 'a recipe came twice').toBe(false);
    known.add(JSON.stringify(after));
    run.end((await run.admit(specialist, draft, after)).trial);
  }
  expect(run.rows.filter((row) => row.status === 'keep').length).toBeGreaterThan(1);
});

test('every move of a partition is drawn about as often as every other', async () => {
  const run = await new Simulation(0).begin();
  const drawn = new Map<string, number>();
  const draws = 900;
  for (let seed = 0; seed < draws; seed++) {
    const [move = ''] = (await draw(run, 'architecture', seed)).proposer.moves;
    const kind = move.startsWith('edit:') ? move : move.slice(0, move.indexOf('='));
    drawn.set(kind, (drawn.get(kind) ?? 0) + 1);
  }
  // Two edits and two ways of four knobs; of TIED both ways lead to True, and a step to a value that is there already is drawn again.
  expect([...drawn.keys()].sort()).toEqual(['edit:architecture/gated', 'edit:architecture/normed', 'knob:model.py:HEADS', 'knob:model.py:LAYERS', 'knob:model.py:TIED', 'knob:model.py:WIDTH']);
  for (const kind of ['edit:architecture/gated', 'edit:architecture/normed']) expect((drawn.get(kind) ?? 0) / draws).toBeCloseTo(0.1, 1);
  for (const kind of ['knob:model.py:WIDTH', 'knob:model.py:TIED']) expect((drawn.get(kind) ?? 0) / draws).toBeCloseTo(0.2, 1);
});

test('what other trials scored does not move a random draw, only the best does', async () => {
  const [one, other] = await Promise.all([0, 1].map(async (luck) => {
    const run = await new Simulation(luck).begin();
    const trial = await run.admit('data', { parent: 't0000', hypothesis: 'a scene', expectedDelta: 0, patch: '', parts: [], proposer: { kind: 'random', strategy: 'draw', moves: ['knob:data.py:BATCH=9'] }, tokens: 0, money: 0 }, recipeOf(['knob:data.py:BATCH=9']));
    Object.assign(run.rows.find((row) => row.trial === trial.trial) ?? {}, { status: 'discard', score: luck === 0 ? 3.6 : 9 });
    return run;
  }));
  if (one === undefined || other === undefined) throw new Error('two simulations were begun');
  for (let seed = 0; seed < 20; seed++) expect(await draw(one, 'kernel', seed)).toEqual(await draw(other, 'kernel', seed));
});

test('without lineage it draws on the best it is shown', async () => {
  const run = await new Simulation(0).begin();
  expect((await draw(run, 'data', 1, false)).parent).toBe('t0000');
});
