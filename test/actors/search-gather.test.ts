import { expect, test } from 'vitest';
import { openBeliefs } from '../../src/actors/specialist/proposers/search/belief.ts';
import { readHistory } from '../../src/actors/specialist/proposers/search/history.ts';
import { slotOf } from '../../src/actors/specialist/proposers/moves/move.ts';
import type { LineageRow } from '../../src/protocols/lineage.ts';
import { proposals, scene, stamped, valid, W } from './laboratory/scene.ts';
import { OBJECTIVE } from './laboratory/simulation.ts';

const [NORMED, GATED, TIED, HEADS] = ['edit:architecture/normed', 'edit:architecture/gated', 'knob:model.py:TIED=True', 'knob:model.py:HEADS=4'] as const;
const crashed = (...moves: readonly string[]): Partial<LineageRow> => ({ moves: [...moves], status: 'crash', failure: { kind: 'crash', phase: 'train', exception: 'RuntimeError', frame: 'model.py:3' } });
const measured = (score: number, ...moves: readonly string[]): Partial<LineageRow> => ({ moves: [...moves], ...valid(score) });

test('gains within the noise are gathered, the likeliest first, and something new is tried beside them; what lost is not', async () => {
  const view = await scene([measured(3.48, NORMED), measured(3.475, TIED), measured(3.53, HEADS)]);
  expect((await stamped(view, 'architecture', 'gather(2)')).map(({ proposer }) => proposer.moves)).toEqual([[NORMED, TIED]]);
  expect((await stamped(view, 'architecture', 'gather(2+1)')).map(({ proposer }) => proposer.moves)).toEqual([[GATED, NORMED, TIED]]);
  expect(await stamped(view, 'architecture', 'gather(3)')).toEqual([]);
});

test('a knob is not gathered back from the value that was kept to one that gained less', async () => {
  const kept = await scene([measured(3.47, W(64)), { ...measured(3.3, W(128)), status: 'keep' }]);
  for (const { proposer } of await proposals(kept, 'architecture')) expect(proposer.moves, proposer.strategy).not.toContain(W(64));
  const beside = await scene([measured(3.44, W(64)), { ...measured(3.2, NORMED, W(128)), status: 'keep' }]);
  for (const { proposer } of await proposals(beside, 'architecture')) expect(proposer.moves, proposer.strategy).not.toContain(W(64));
  const back = await scene([measured(3.25, W(64)), { ...measured(3.44, NORMED, W(128)), status: 'keep' }]); // it gained more than what was kept
  expect((await stamped(back, 'architecture', 'gather(1)')).map(({ proposer }) => proposer.moves)).toEqual([[NORMED, W(64)]]);
});

test('what was kept apart is not merged where it would undo what was kept since', async () => {
  const moves = (value: number): Partial<LineageRow> => ({ moves: [W(value)], ...valid(3.4), status: 'keep' });
  expect(await stamped(await scene([moves(64), { ...moves(128), moves: [NORMED, W(128)] }]), 'architecture', 'compose(t0001+t0002)')).toEqual([]);
  const step = await scene([moves(64), { moves: ['knob:data.py:BATCH=16', W(64)], parent: 't0001', ...valid(3.3, 't0001', 3.4), status: 'keep' }, { ...moves(128), parent: 't0001', judgedAgainst: 't0001' }]);
  expect((await stamped({ ...step, best: { trial: 't0002', score: 3.3, snapshot: step.rows[2]?.snapshot ?? '' } }, 'architecture', 'compose(t0002+t0003)')).map(({ proposer }) => proposer.moves)).toEqual([['knob:data.py:BATCH=16', W(128)]]);
});

test.each([
  ['crashed', crashed(TIED)],
  ['missed a gate', { moves: [TIED], status: 'disqualified', failure: { kind: 'disqualified', gate: 'accuracy', value: 0.9596, limit: 0.96, deficit: 0.0004 }, score: 3.3, deltaVsBest: -0.2, judgedAgainst: 't0000' }],
  ['was too large', { moves: [TIED], status: 'size_blocked', failure: { kind: 'size_blocked', bytes: 30_000, cap: 25_000, projected: false }, score: 3.3, deltaVsBest: -0.2, judgedAgainst: 't0000' }],
] as const)('a move that %s alone is not gathered, whatever its company gained', async (_, failed) => {
  const view = await scene([measured(3.4, NORMED, TIED), measured(3.475, HEADS), failed as Partial<LineageRow>]);
  const gathered = (await proposals(view, 'architecture')).filter(({ proposer }) => proposer.strategy.startsWith('gather'));
  for (const { proposer } of gathered) expect(proposer.moves).not.toContain(TIED);
  expect(gathered.filter(({ proposer }) => proposer.strategy === 'gather(2)').map(({ proposer }) => proposer.moves)).toEqual([[NORMED, HEADS]]); // nor does it keep others apart
});

test('an edit that failed in company comes along no more, but is still tried alone; and the company that failed is not gathered with more', async () => {
  const view = await scene([measured(3.46, NORMED), measured(3.465, TIED), crashed(NORMED, GATED)]);
  const drafts = await proposals(view, 'architecture');
  expect(drafts.filter(({ proposer }) => proposer.moves.includes(GATED)).map(({ proposer }) => [proposer.strategy, proposer.moves])).toEqual([['screen', [GATED]]]);
  const together = await scene([measured(3.46, NORMED), measured(3.465, TIED), measured(3.47, HEADS), crashed(NORMED, TIED)]);
  const gathered = (await proposals(together, 'architecture')).filter(({ proposer }) => proposer.strategy.startsWith('gather'));
  expect(gathered.map(({ proposer }) => proposer.moves)).toEqual(expect.arrayContaining([[GATED, NORMED], [NORMED, HEADS]])); // what failed keeps nothing else apart
  for (const { proposer } of gathered) expect(proposer.moves.includes(NORMED) && proposer.moves.includes(TIED), proposer.strategy).toBe(false);
});

test('a set never holds two values of a knob, nor edits that exclude each other', async () => {
  const data = ['knob:optimizer.py:DECAY=0.05', 'knob:optimizer.py:DECAY=0.025', 'edit:optimizer/muon', 'edit:optimizer/lion', 'knob:optimizer.py:RATE=0.002'] as const;
  const view = await scene(data.map((move, i) => ({ specialist: 'optimizer', ...measured(3.45 + i / 1000, move) })));
  const gathered = (await proposals(view, 'optimizer')).filter(({ proposer }) => proposer.strategy.startsWith('gather'));
  expect(gathered.map(({ proposer }) => proposer.moves.length).sort()).toEqual(expect.arrayContaining([3]));
  for (const { proposer } of gathered) {
    expect(String(proposer.moves.length)).toBe(/\d/.exec(proposer.strategy)?.[0]); // as many as it names
    expect(new Set(proposer.moves.map(slotOf)).size).toBe(proposer.moves.length);
    expect(proposer.moves.filter((move) => move.startsWith('edit:')).length).toBeLessThanOrEqual(1);
  }
});

test('a repair that would put two values of one knob is none', async () => {
  const batch = (value: number): string => `knob:data.py:BATCH=${value}`;
  const missed: Partial<LineageRow> = { specialist: 'data', moves: [batch(16)], status: 'disqualified', failure: { kind: 'disqualified', gate: 'accuracy', value: 0.9596, limit: 0.96, deficit: 0.0004 } };
  const view = await scene([{ specialist: 'data', ...measured(3.4, batch(12)) }, missed, { ...measured(3.3, TIED), status: 'keep' }]);
  expect((await stamped(view, 'data', 'repair(t0002)')).map(({ proposer }) => proposer.moves)).toEqual([[batch(11), TIED], [batch(5), TIED]]);
});

test('a set of which a move takes no effect is not proposed, nor what is left of it in its name', async () => {
  const expansion = 'knob:model.py:EXPANSION=4'; // there with the edit that brings it along, and not without
  const view = await scene([measured(3.3, GATED, expansion), measured(3.7, GATED), measured(3.4, NORMED), measured(3.46, TIED)]);
  const gathered = (await proposals(view, 'architecture')).filter(({ proposer }) => proposer.strategy.startsWith('gather'));
  for (const { proposer } of gathered) expect(proposer.strategy).toBe(`gather(${proposer.moves.length})`);
  expect(gathered.map(({ proposer }) => proposer.moves)).toContainEqual([NORMED, TIED]); // it keeps nothing else apart
});

test('what a proposal predicts is what is believed of the moves its recipe is made of', async () => {
  const [muon, momentum, lion] = ['edit:optimizer/muon', 'knob:optimizer.py:MOMENTUM=0.95', 'edit:optimizer/lion'];
  const view = await scene([{ specialist: 'optimizer', moves: [muon, momentum], ...valid(3.4), status: 'keep' }]);
  const draft = (await proposals(view, 'optimizer')).find(({ proposer }) => proposer.moves.includes(lion));
  expect(draft?.proposer.moves).toEqual([lion]); // the edit it excludes takes its knob along
  const history = readHistory(view, OBJECTIVE);
  if (history === null) throw new Error('there is a best');
  expect(draft?.expectedDelta).toBe(Number((-openBeliefs(history)([lion], [muon, momentum]).mean).toPrecision(4)));
  expect(draft?.expectedDelta).not.toBe(Number((-openBeliefs(history)([lion], [muon]).mean).toPrecision(4)));
});

test('what comes next is weighed by the moves its recipe is made of', async () => {
  const [muon, momentum, lion] = ['edit:optimizer/muon', 'knob:optimizer.py:MOMENTUM=0.95', 'edit:optimizer/lion'];
  const scored = { specialist: 'optimizer', status: 'keep' } as const;
  const view = await scene([{ ...valid(3.48), ...scored, moves: [muon] }, { ...valid(3.1, 't0001', 3.48), ...scored, parent: 't0001', moves: [muon, momentum] }]);
  expect((await proposals(view, 'optimizer')).at(-1)?.proposer.moves).toEqual([lion]); // nothing costs as much as the knob it would lose
});
