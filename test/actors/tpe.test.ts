import { expect, test } from 'vitest';
import { build, knobsOf, openProposer, type Draft, type SpecialistView } from '../../src/actors/specialist/index.ts';
import { literalAt, rungOf } from '../../src/actors/specialist/proposers/tpe/ladder.ts';
import { spaceAround } from '../../src/actors/specialist/proposers/tpe/space.ts';
import { findOptuna, openOptuna } from '../../src/adapters/optuna/index.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { projectRoot } from '../../src/adapters/toolchain/index.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import type { Study } from '../../src/domain/study.ts';
import type { Sampler } from '../../src/ports.ts';
import { BASELINE, FILES, LIBRARY, optionsFor, ROSTER, Simulation, syntax } from './laboratory/simulation.ts';

const optuna = findOptuna(projectRoot());
if (optuna === null) process.stderr.write('tests that ask Optuna are skipped: npm run rivals installs it\n');
const signal = new AbortController().signal;
const recipeOf = (moves: readonly string[]): Recipe => {
  const built = build(BASELINE, moves, LIBRARY, syntax);
  if (built.kind === 'refused') throw new Error(built.reason);
  return built.recipe;
};
const ground = { recipe: BASELINE, build: (moves: readonly string[]) => build(BASELINE, moves, LIBRARY, syntax) };
const partitionOf = (specialist: string) => ({ edits: LIBRARY.filter((edit) => edit.specialist === specialist), library: LIBRARY, owns: (file: string) => FILES[specialist] === file });
const think = async (view: SpecialistView, specialist: string, sampler: Sampler, seed = 1): Promise<Draft> => {
  const thought = await openProposer('tpe', optionsFor(specialist, seed), { syntax, patches, sampler }).propose(view, signal);
  if (thought.kind === 'nothing') throw new Error(thought.reason);
  return thought.draft;
};

test('a rung is half a doubling, and a value lies on the rung it came from', () => {
  for (const knob of knobsOf({ 'x.py': 'WIDE = 40\nRATE = 3e-3\nSHARE = 0.95\nNONE = 0\nZERO = 0.0\n' }, () => true, syntax)) {
    for (const rung of [-2, -1, 0, 1, 2, 3]) {
      const literal = literalAt(knob, knob.value, rung);
      if (Number(literal) === Number(knob.value) || literal === literalAt(knob, knob.value, rung - 1)) continue; // small whole numbers have fewer values than rungs
      expect([knob.name, rungOf(knob, knob.value, literal)]).toEqual([knob.name, rung]);
    }
  }
  const [width, share] = knobsOf({ 'x.py': 'WIDTH = 40\nSHARE = 0.9\n' }, () => true, syntax);
  if (width === undefined || share === undefined) throw new Error('two knobs were written');
  expect([literalAt(width, '40', 2), literalAt(width, '40', -2), literalAt(share, '0.9', 2)]).toEqual(['80', '20', '0.95']);
});

test('a place in the space and the moves that lead there name each other', () => {
  const space = spaceAround([], ground, partitionOf('architecture'), syntax);
  expect(space.parameters.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
    'choice edit:architecture/gated', 'choice edit:architecture/normed', 'rung knob:model.py:WIDTH', 'rung knob:model.py:LAYERS', 'rung knob:model.py:HEADS', 'choice knob:model.py:TIED', 'rung knob:model.py:EXPANSION',
  ]);
  expect(space.parameters.at(-1)?.when).toEqual([{ parameter: 'edit:architecture/gated', value: 'in' }]);
  const moves = ['edit:architecture/gated', 'knob:model.py:EXPANSION=16', 'knob:model.py:WIDTH=64'];
  const values = space.locate(moves);
  expect(values).toMatchObject({ 'edit:architecture/gated': 'in', 'edit:architecture/normed': 'out', 'knob:model.py:WIDTH': 2, 'knob:model.py:LAYERS': 0, 'knob:model.py:EXPANSION': 2, 'knob:model.py:TIED': 'False' });
  expect(values && [...space.movesAt(values) ?? []].sort()).toEqual(moves);
  expect(space.locate([])).not.toHaveProperty('knob:model.py:EXPANSION');
});

test('a range moves with the best, and what others have in the best stays', () => {
  const best = ['edit:data/sorted', 'knob:data.py:BATCH=16', 'knob:model.py:WIDTH=64'];
  const space = spaceAround(best, ground, partitionOf('data'), syntax);
  expect(space.parameters.find(({ name }) => name.endsWith('BATCH'))).toMatchObject({ low: 0, high: 4 });
  expect(space.movesAt({ 'edit:data/sorted': 'out', 'knob:data.py:BATCH': 0, 'knob:data.py:SHUFFLE': 'True' })).toEqual(['knob:model.py:WIDTH=64', 'knob:data.py:SHUFFLE=True']);
});

test('edits that exclude one another are never both in', () => {
  const space = spaceAround([], ground, partitionOf('optimizer'), syntax);
  expect(space.movesAt({ 'edit:optimizer/muon': 'in', 'edit:optimizer/lion': 'in' })).toEqual(['edit:optimizer/lion']);
});

test('a study is told what its author lost against its parents, failures as what they missed, and nothing of others', async () => {
  const studies: Study[] = [];
  const listening: Sampler = { suggest: async (study) => { studies.push(study); return [{ 'knob:model.py:WIDTH': 1 }]; } };
  const run = await new Simulation(0).begin();
  const scene = async (specialist: string, parent: string, moves: readonly string[], end: object): Promise<void> => {
    const row = await run.admit(specialist, { parent, hypothesis: 'a scene', expectedDelta: 0, patch: '', parts: [], proposer: { kind: 'tpe', strategy: 'ask(0)', moves }, tokens: 0, money: 0 }, recipeOf(moves));
    Object.assign(row, end);
  };
  await scene('architecture', 't0000', ['knob:model.py:WIDTH=64'], { status: 'keep', score: 3.4, judgedAgainst: 't0000', deltaVsBest: -0.1 });
  await scene('data', 't0001', ['knob:data.py:BATCH=16', 'knob:model.py:WIDTH=64'], { status: 'keep', score: 3.1, judgedAgainst: 't0001', deltaVsBest: -0.3 });
  await scene('architecture', 't0002', ['knob:data.py:BATCH=16', 'knob:model.py:WIDTH=90'], { status: 'discard', score: 3.15, judgedAgainst: 't0002', deltaVsBest: 0.05 });
  await scene('architecture', 't0002', ['knob:data.py:BATCH=16', 'knob:model.py:WIDTH=128'], { status: 'size_blocked', failure: { kind: 'size_blocked', bytes: 30_000, cap: 25_000, projected: true } });
  await scene('architecture', 't0002', ['knob:data.py:BATCH=16', 'knob:model.py:HEADS=3', 'knob:model.py:WIDTH=64'], { status: 'crash' });
  await scene('architecture', 't0002', ['knob:data.py:BATCH=16', 'knob:model.py:LAYERS=3', 'knob:model.py:WIDTH=64'], {});
  const best = run.rows[2];
  await think({ ...run.view(), best: { trial: 't0002', score: 3.1, snapshot: best?.snapshot ?? '' } }, 'architecture', listening);
  const told = studies[0]?.trials.map(({ values, told: ending }) => [values['knob:model.py:WIDTH'], ending]);
  expect(told).toEqual([
    [0, { kind: 'scored', loss: 0 }], [2, { kind: 'scored', loss: -0.1 }], [3, { kind: 'scored', loss: expect.closeTo(-0.05, 9) }],
    [4, { kind: 'failed', missedBy: 0.2 }], [2, { kind: 'failed', missedBy: 1 }], [2, { kind: 'open' }],
  ]);
});

test.skipIf(optuna === null)('TPE proposes on the best within its partition, never twice, and the same again from the same lineage', async () => {
  const sampler = openOptuna(optuna ?? '');
  const run = await new Simulation(7).begin();
  for (let i = 0; i < 8; i++) {
    const specialist = ROSTER[i % ROSTER.length] ?? '';
    const draft = await think(run.view(), specialist, sampler);
    if (i === 6) expect(await think(run.view(), specialist, sampler)).toEqual(draft);
    const before = recipeOf(run.rows.find((row) => row.trial === draft.parent)?.moves ?? []);
    const after = recipeOf(draft.proposer.moves);
    expect(Object.keys(after).filter((file) => after[file] !== before[file])).toEqual([FILES[specialist]]);
    expect([...run.snapshots.values()].some((known) => JSON.stringify(known) === JSON.stringify(after))).toBe(false);
    run.end((await run.admit(specialist, draft, after)).trial);
  }
  const start = (await new Simulation(7).begin()).view();
  expect((await think(start, 'optimizer', sampler, 2)).proposer.moves).not.toEqual((await think(start, 'optimizer', sampler, 3)).proposer.moves);
}, 120_000);

test.skipIf(optuna === null)('TPE learns: where one value is far the best it is asked for more often than chance would', async () => {
  const study: Study = {
    seed: 1, parameters: [{ kind: 'rung', name: 'x', low: -4, high: 4, when: [] }, { kind: 'choice', name: 'e', choices: ['out', 'in'], when: [] }],
    trials: Array.from({ length: 40 }, (_, i) => ({ values: { x: (i % 9) - 4, e: i % 2 === 0 ? 'in' : 'out' }, told: i % 10 === 9 ? { kind: 'failed' as const, missedBy: 0.5 } : { kind: 'scored' as const, loss: ((i % 9) - 4 - 2) ** 2 + (i % 2) } })),
  };
  const answers = await openOptuna(optuna ?? '').suggest(study, 32, signal);
  expect(answers).toHaveLength(32);
  expect(answers.filter(({ x }) => Math.abs(Number(x) - 2) <= 1).length).toBeGreaterThan(18); // by chance a third
  expect(answers.filter(({ e }) => e === 'in').length).toBeGreaterThan(18);
}, 120_000);
