import { expect, test } from 'vitest';
import { repropose, searchProposer, type Draft, type SpecialistView } from '../../src/actors/specialist/index.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { deprive } from '../../src/actors/specialist/decide.ts';
import { chance } from '../../src/actors/specialist/proposers/moves/chance.ts';
import { difference, keyOf, readMove } from '../../src/actors/specialist/proposers/moves/move.ts';
import type { LineageRow } from '../../src/protocols/lineage.ts';
import { recipeOf, scene, stamped, valid, W } from './laboratory/scene.ts';
import { BASELINE, FILES, LIBRARY, optionsFor, ROSTER, Simulation, syntax, truth } from './laboratory/simulation.ts';

const deps = { syntax, patches };
const signal = new AbortController().signal;
const draftOf = async (view: SpecialistView, specialist: string, seed = 0, lineage = true): Promise<Draft> => {
  const thought = await repropose(view, optionsFor(specialist, seed, lineage), deps);
  if (thought.kind === 'nothing') throw new Error(thought.reason);
  return thought.draft;
};

interface Recorded { readonly specialist: string; readonly view: SpecialistView; readonly draft: Draft }

/** Four specialists at once, one trial each in flight; the trials end in an order that chance decides. */
async function simulate({ seed, trials, lineage = true }: { seed: number; trials: number; lineage?: boolean }): Promise<{ run: Simulation; recorded: Recorded[]; duplicates: number }> {
  const run = await new Simulation(seed).begin();
  const order = chance(`order ${seed}`);
  const proposers = new Map(ROSTER.map((specialist) => [specialist, searchProposer(optionsFor(specialist, seed, lineage), deps)]));
  const recorded: Recorded[] = [];
  let duplicates = 0;
  while (run.rows.length - 1 < trials) {
    const open = run.rows.filter((row) => row.status === null);
    const idle = ROSTER.filter((specialist) => !open.some((row) => row.specialist === specialist));
    let proposed = false;
    for (const specialist of idle) {
      const view = run.view();
      const thought = await proposers.get(specialist)?.propose(lineage ? view : deprive(view), signal);
      if (thought === undefined || thought.kind === 'nothing') continue;
      const recipe = recipeOf(thought.draft.proposer.moves);
      proposed = true;
      if (!lineage && [...run.snapshots.values()].some((known) => JSON.stringify(known) === JSON.stringify(recipe))) { duplicates += 1; run.seq += 1; continue; } // the broker refuses it
      recorded.push({ specialist, view, draft: thought.draft });
      await run.admit(specialist, thought.draft, recipe);
    }
    const queue = run.rows.filter((row) => row.status === null);
    const next = queue[order.below(queue.length)];
    if (next !== undefined) run.end(next.trial);
    else if (!proposed) break;
  }
  for (const row of run.rows) if (row.status === null) run.end(row.trial);
  return { run, recorded, duplicates };
}

const SEED = 4;
const long = simulate({ seed: SEED, trials: 500 });

test('over 500 trials no set of moves and no recipe comes twice', async () => {
  const { run } = await long;
  expect(run.rows).toHaveLength(501);
  expect(new Set(run.rows.map((row) => keyOf(row.moves))).size).toBe(501);
  expect(new Set(run.rows.map((row) => row.snapshot)).size).toBe(501);
});

test('every strategy has its turn, and the best comes close to the optimum', async () => {
  const { run } = await long;
  const words = new Set(run.rows.map((row) => /^[a-z]+/.exec(row.strategy)?.[0]));
  expect([...words].filter((word) => word !== undefined).sort()).toEqual(['compose', 'exploit', 'gather', 'repair', 'screen', 'walk']);
  expect(truth(BASELINE).score).toBeGreaterThan(3.42);
  expect(truth(run.snapshots.get(run.best.snapshot) ?? {}).score).toBeLessThan(2.8);
});

test('a proposal starts from the best of its moment and changes files of its own partition, or of the parts it merges', async () => {
  const { recorded, run } = await long;
  for (const { specialist, view, draft } of recorded) {
    expect(draft.parent).toBe(view.best?.trial);
    const owners = new Set([specialist, ...draft.parts.map((part) => run.rows.find((row) => row.trial === part)?.specialist)]);
    const before = recipeOf(view.rows.find((row) => row.trial === draft.parent)?.moves ?? []);
    const after = recipeOf(draft.proposer.moves);
    for (const file of Object.keys(after)) if (before[file] !== after[file]) expect([...owners].map((owner) => FILES[owner ?? '']), draft.proposer.strategy).toContain(file);
    for (const part of draft.parts) expect(view.rows.find((row) => row.trial === part)?.status).toBe('keep');
  }
});

test('the journal up to a proposal, the seed and the specialist give the same proposal again', async () => {
  const { recorded } = await long;
  for (const { specialist, view, draft } of recorded.filter((_, i) => i % 25 === 0)) expect(await draftOf(view, specialist, SEED)).toEqual(draft);
});

test('a walk names what its recipe differs by, each once, and nothing that a later step of it undid', async () => {
  const { recorded, run } = await long;
  const walks = recorded.filter(({ draft }) => draft.proposer.strategy === 'walk');
  expect(walks.length).toBeGreaterThan(50);
  for (const { draft } of walks) {
    const { put, taken } = difference(draft.proposer.moves, run.rows.find((row) => row.trial === draft.parent)?.moves ?? []);
    const said = draft.hypothesis.slice(0, draft.hypothesis.lastIndexOf(': a random walk around')).split(', ').map((words) => words.replace(/^with(?:out)? [a-z]+\//, '').split(' ')[0]);
    const made = [...put, ...taken].map((text) => readMove(text)?.name);
    expect(said.toSorted(), draft.hypothesis).toEqual(made.toSorted());
  }
});

test('another seed screens in another order', async () => {
  const view = (await new Simulation(0).begin()).view();
  const firsts = await Promise.all([0, 1, 2, 3, 4, 5].map(async (seed) => searchProposer({ ...optionsFor('architecture', seed), library: [] }, deps).propose(view, signal)));
  expect(new Set(firsts.map((thought) => (thought.kind === 'proposal' ? keyOf(thought.draft.proposer.moves) : ''))).size).toBeGreaterThan(2);
});

test('a prediction is a finite gain in the objective\'s direction before anything is known', async () => {
  const draft = await draftOf((await new Simulation(0).begin()).view(), 'data');
  expect(draft.expectedDelta).toBe(-0.01);
});

test('too large an artifact is answered by half the step', async () => {
  const view = await scene([{ moves: [W(128)], status: 'size_blocked', failure: { kind: 'size_blocked', bytes: 30_000, cap: 25_000, projected: true }, artifactBytes: 30_000 }]);
  const repair = (await stamped(view, 'architecture', 'repair(t0001)')).find(({ proposer }) => proposer.moves.length === 1);
  expect(repair?.proposer.moves).toEqual([W(64)]);
  expect(repair?.hypothesis).toBe('half the step, WIDTH 32 → 64 (repairs t0001): WIDTH 32 → 128');
});

test('too large an edit is kept and its own knob made smaller', async () => {
  const view = await scene([{ moves: ['edit:architecture/gated'], status: 'size_blocked', failure: { kind: 'size_blocked', bytes: 40_000, cap: 25_000, projected: true } }]);
  const [repair] = await stamped(view, 'architecture', 'repair(t0001)');
  expect(repair?.proposer.moves).toEqual(['edit:architecture/gated', 'knob:model.py:EXPANSION=4']);
});

test('a failure that measured worse than its parent is not repaired', async () => {
  const view = await scene([{ moves: [W(128)], status: 'size_blocked', score: 3.9, judgedAgainst: 't0000', deltaVsBest: 0.4, failure: { kind: 'size_blocked', bytes: 30_000, cap: 25_000, projected: false } }]);
  expect(await stamped(view, 'architecture', 'repair(t0001)')).toEqual([]);
});

test('a missed gate sends a knob half as far, and where there is no half, the other way', async () => {
  const missed = (value: number): Partial<LineageRow> => ({ specialist: 'data', moves: [`knob:data.py:BATCH=${value}`], status: 'disqualified', failure: { kind: 'disqualified', gate: 'accuracy', value: 0.9596, limit: 0.96, deficit: 0.0004 } });
  expect((await stamped(await scene([missed(16)]), 'data', 'repair(t0001)'))[0]?.proposer.moves).toEqual(['knob:data.py:BATCH=11']);
  expect((await stamped(await scene([missed(9)]), 'data', 'repair(t0001)'))[0]?.proposer.moves).toEqual(['knob:data.py:BATCH=5']);
});

test('a failure is repaired three times and no more, repairs of repairs included', async () => {
  const blocked = (value: number, strategy: string): Partial<LineageRow> => ({ moves: [W(value)], strategy, status: 'size_blocked', failure: { kind: 'size_blocked', bytes: 90_000, cap: 25_000, projected: true } });
  const rows = [blocked(2048, 'walk'), blocked(1024, 'repair(t0001)'), blocked(512, 'repair(t0002)'), blocked(256, 'repair(t0002)')];
  expect(await stamped(await scene(rows.slice(0, 3)), 'architecture', 'repair(t0003)')).not.toEqual([]);
  for (const trial of ['t0001', 't0002', 't0003', 't0004']) expect(await stamped(await scene(rows), 'architecture', `repair(${trial})`)).toEqual([]);
});

test('a knob that paid is pushed further the same way', async () => {
  const view = await scene([{ moves: [W(64)], ...valid(3.4), status: 'keep' }]);
  const [push] = await stamped(view, 'architecture', 'exploit(t0001)');
  expect(push?.proposer.moves).toEqual([W(128)]);
  expect(push?.hypothesis).toBe('WIDTH 64 → 128: further the way that paid in t0001');
});

test('a gain that a newer best left behind is tried on the new best', async () => {
  const view = await scene([{ specialist: 'data', moves: ['knob:data.py:BATCH=16'], ...valid(3.2), status: 'keep' }, { moves: [W(64)], ...valid(3.36, 't0001', 3.2) }]);
  const [again] = await stamped(view, 'architecture', 'gather(1)');
  expect([again?.parent, again?.proposer.moves, again?.parts]).toEqual(['t0001', ['knob:data.py:BATCH=16', W(64)], []]);
});

test('what two specialists had kept on two branches is merged by the author of the one left behind, who names both', async () => {
  const rows: Partial<LineageRow>[] = [{ moves: [W(64)], ...valid(3.4), status: 'keep' }, { specialist: 'data', moves: ['knob:data.py:BATCH=16'], ...valid(3.2, 't0001', 3.4), status: 'keep' }];
  const view = await scene(rows);
  const [merged] = await stamped(view, 'architecture', 'compose(t0001+t0002)');
  expect([merged?.parent, merged?.proposer.moves, merged?.parts]).toEqual(['t0002', ['knob:data.py:BATCH=16', W(64)], ['t0001', 't0002']]);
  expect(await stamped(view, 'data', 'compose(t0001+t0002)')).toEqual([]);
});

test('an edit that crashed alone never comes alone again, on a newer best either', async () => {
  const view = await scene([
    { specialist: 'kernel', moves: ['edit:kernel/broken'], status: 'crash', failure: { kind: 'crash', phase: 'train', exception: 'ZeroDivisionError', frame: 'kernel.py:9' } },
    { specialist: 'data', moves: ['knob:data.py:BATCH=16'], ...valid(3.2), status: 'keep' },
  ]);
  for (let seed = 0; seed < 60; seed++) expect((await draftOf(view, 'kernel', seed)).proposer.moves).not.toEqual(['edit:kernel/broken', 'knob:data.py:BATCH=16']);
});

test('what another has in flight or had refused is not proposed', async () => {
  const spent = await scene([...LIBRARY.filter((each) => each.specialist === 'kernel').map((each) => ({ specialist: 'someone', moves: [`edit:kernel/${each.name}`] })), { specialist: 'someone', moves: ['knob:kernel.py:HALF=True'], status: 'rejected', rejection: 'a test' }]);
  for (let seed = 0; seed < 30; seed++) expect(spent.rows.map((row) => keyOf(row.moves))).not.toContain(keyOf((await draftOf(spent, 'kernel', seed)).proposer.moves));
});

test('on a best that someone wrote by hand, moves are made on top of its code', async () => {
  const view = await scene([{ specialist: 'data', moves: [], ...valid(3.2), status: 'keep' }]);
  const recipe = { ...BASELINE, 'data.py': 'BATCH = 12\n' };
  const best = { ...(view.rows[1] as LineageRow), snapshot: 'f'.repeat(64) };
  const thought = await repropose({ ...view, rows: [view.rows[0] as LineageRow, best], best: { trial: best.trial, score: 3.2, snapshot: 'f'.repeat(64) }, recipeOf: async () => recipe }, { ...optionsFor('data'), library: [] }, deps);
  if (thought.kind === 'nothing') throw new Error(thought.reason);
  const { draft } = thought;
  expect(draft.patch).toMatch(/^diff --git a\/data.py b\/data.py\n(?:.*\n)*-BATCH = 12\n\+BATCH = /);
  expect(patches.apply(recipe, draft.patch).kind).toBe('applied');
});

test('without lineage the proposer is given the best\'s id, score, moves and code, and nothing else', async () => {
  const { run } = await long;
  const view = deprive(run.view());
  const best = run.rows.find((row) => row.trial === run.best.trial);
  expect(view.feedback).toBeNull();
  expect(view.noise).toBeNull();
  expect(view.rows).toEqual([{
    trial: best?.trial, specialist: 'unknown', parent: best?.trial, status: 'baseline', score: best?.score, deltaVsBest: null, judgedAgainst: null, expectedDelta: 0, hypothesis: '',
    strategy: '', moves: best?.moves, parts: [], snapshot: best?.snapshot, failure: null, rejection: null, artifactBytes: null, seq: 0,
  }]);
  expect(await view.recipeOf(run.rows[0]?.snapshot ?? '')).toBeNull();
  expect(await view.recipeOf(best?.snapshot ?? '')).toEqual(run.snapshots.get(best?.snapshot ?? ''));
});

test('without lineage it draws anew at every position and still finds its way', async () => {
  const { run, duplicates } = await simulate({ seed: 2, trials: 60, lineage: false });
  expect(run.rows.filter((row) => row.status === 'keep').length).toBeGreaterThan(1);
  expect(duplicates).toBeGreaterThan(0); // it cannot know what was tried
});

test('before the baseline has a result there is nothing to propose', async () => {
  const view: SpecialistView = { asOf: 3, rows: [], best: null, noise: null, feedback: '', recipeOf: async () => null };
  expect(await repropose(view, optionsFor('data'), deps)).toEqual({ kind: 'nothing', reason: 'the baseline has no result yet' });
});

test('a partition without edits and knobs says that it is empty', async () => {
  const view = (await new Simulation(0).begin()).view();
  const options = { ...optionsFor('data'), roles: [], owns: () => false };
  expect(await repropose(view, options, deps)).toEqual({ kind: 'nothing', reason: 'every edit, knob and walk of data around t0000 has been tried' });
});
