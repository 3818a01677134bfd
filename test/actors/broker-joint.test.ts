import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSyntax } from '../../src/adapters/python/index.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { loadSurface, type LoadedSurface } from '../../src/adapters/surfaces/index.ts';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';
import { admissionOf } from '../../src/cli/admission.ts';
import { prove } from '../../src/cli/verify.ts';
import { authorsOf, bylineOf } from '../../src/domain/authors.ts';
import { renderFeedback } from '../../src/domain/feedback.ts';
import { emptyLineage, grow } from '../../src/domain/lineage.ts';
import { knowledge } from '../../src/domain/knowledge.ts';
import { resultsTable } from '../../src/domain/tables.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import { DeclineJoint, OfferHandoff, OfferJoint } from '../../src/protocols/session.ts';
import { byPatch, world, type World } from '../support/world.ts';

const RUN = { run: 'toy-1' };
const NOW = { timeoutMs: 60_000 };

let surface: LoadedSurface;
let syntax: Awaited<ReturnType<typeof openSyntax>>;
beforeAll(async () => {
  syntax = await openSyntax({ python: (await findToolchain(process.cwd())).python });
  surface = await loadSurface(process.cwd(), 'tiny', syntax);
});
afterAll(() => syntax[Symbol.asyncDispose]());

/** The toy recipe with other text in some of its files, as a patch to the baseline. */
const changing = (changes: Record<string, (text: string) => string>, from: Recipe = surface.recipe): { patch: string; recipe: Recipe } => {
  const recipe: Recipe = { ...from, ...Object.fromEntries(Object.entries(changes).map(([file, change]) => [file, change(from[file] ?? '')])) };
  return { patch: patches.diff(from, recipe), recipe };
};
const deeper = (text: string): string => text.replace('DEGREE = 3', 'DEGREE = 5');
const slower = (rate: string) => (text: string): string => text.replace('RATE = 0.02', `RATE = ${rate}`);
/** An architect's idea that the optimizer's rate must follow; the rate it names decides the score. */
const both = (rate = '0.01'): string => changing({ 'model.py': deeper, 'optimizer.py': slower(rate) }).patch;

async function ready(lineage = true, roster = ['optimizer', 'architecture', 'data', 'kernel']) {
  const w = await world({
    measure: (lease, recipe) => byPatch(lease, recipe.includes('RATE = 0.01') ? 'loss=2.1' : 'loss=2.6'),
    started: { roster, arm: { kind: 'specialists', agents: 4, ownership: 'enforced', lineage }, proposer: 'llm' },
    surface: { recipe: surface.recipe, admit: admissionOf(surface, { syntax, patches }) },
  });
  const broker = await w.startBroker();
  await w.startNode('atlas');
  await w.until((l) => l.bests.length === 1);
  return { w, broker, ...ask(w) };
}

const ask = (w: World) => ({
  offer: (patch: string, more: { clientId?: string; from?: string; to?: string; parent?: string } = {}) => w.ports.bus.ask(OfferJoint, RUN, { clientId: 'd-1', from: 'architecture', to: 'optimizer', parent: 't0000', hypothesis: 'five degrees need half the rate', expectedDelta: -0.2, patch, ...more }, NOW),
  decline: (joint: string, by = 'optimizer') => w.ports.bus.ask(DeclineJoint, RUN, { joint, by, reason: 'the rate is in use by t0003' }, NOW),
  accept: (patch: string, joint = 'j0001', more: object = {}) => w.propose(patch, { specialist: 'optimizer', joint: { draft: joint, with: 'architecture' }, ...more }),
  hint: (clientId: string, hint: string, to = 'data', from = 'kernel') => w.ports.bus.ask(OfferHandoff, RUN, { clientId, from, to, file: 'data.py', symbol: 'POINTS', hint }, NOW),
});

describe('a draft for two owners', () => {
  test('that neither could propose alone is offered, accepted as a trial of both, and kept; both names stand on it everywhere', async () => {
    const { w, broker, offer, accept } = await ready();
    await using _broker = broker;
    expect(await w.propose(both(), { specialist: 'architecture' }), 'alone it is refused').toMatchObject({ kind: 'rejected', rejection: { rule: 'ownership', owner: 'optimizer' } });
    expect(await offer(both())).toEqual({ kind: 'offered', joint: 'j0001' });
    expect(await offer(both()), 'offered twice it is one draft').toEqual({ kind: 'offered', joint: 'j0001' });
    expect(await accept(both())).toEqual({ kind: 'admitted', trial: 't0002' });
    const lineage = await w.until((l) => l.trials.get('t0002')?.result != null);
    expect(lineage.sessions.joints.get('j0001')).toMatchObject({ trial: 't0002', answered: { by: 'optimizer', answer: 'accepted', trial: 't0002' } });
    const row = lineage.trials.get('t0002') ?? never();
    expect([row.result?.status, authorsOf(lineage, row), bylineOf(row.proposal)]).toEqual(['keep', ['architecture', 'optimizer'], 'optimizer + architecture']);
    expect(resultsTable('toy-1', lineage, ['loss']).split('\n').find((line) => line.startsWith('002\t'))).toContain('drafted by architecture');
    expect(knowledge('toy-1', lineage)).toContain('t0002');
    expect([lineage.secondsBySpecialist.get('architecture'), lineage.secondsBySpecialist.get('optimizer') ?? 0], 'its slot seconds are the drafter’s').toEqual([6, 0]);
    expect(lineage.odd).toBe(0);
    const facts = await w.facts();
    const joints = (all: typeof facts) => prove('toy-1', all, () => true).proofs.filter(({ what }) => what === 'joint').map(({ id, agrees }) => [id, agrees]);
    expect(joints(facts)).toEqual([['t0002', true]]);
    expect(joints(facts.filter(({ word }) => word !== 'joint.offered')), 'without its draft it is not proved').toEqual([['t0002', false]]);
  });

  test('may be amended, on another parent too; what it adds is its drafter’s from then on', async () => {
    const { w, broker, offer, accept } = await ready();
    await using _broker = broker;
    await offer(both('0.03'));
    const amended = changing({ 'model.py': (text) => `${deeper(text)}\n\ndef waves(x):\n    return [x, x * x]\n`, 'optimizer.py': slower('0.01') });
    expect(await accept(amended.patch)).toEqual({ kind: 'admitted', trial: 't0001' });
    await w.until((l) => l.trials.get('t0001')?.result != null);
    const waved = (by: string) => w.propose(patches.diff(amended.recipe, { ...amended.recipe, 'model.py': (amended.recipe['model.py'] ?? '').replace('[x, x * x]', `[x * x, x, "${by}"]`) }), { specialist: by, parent: 't0001' });
    expect(await waved('optimizer')).toMatchObject({ kind: 'rejected', rejection: { rule: 'ownership', owner: 'architecture' } });
    expect(await waved('architecture')).toMatchObject({ kind: 'admitted' });
  });

  test('is refused where one of the two could propose it alone, where it reaches into a third, and where nobody or only oneself is asked', async () => {
    const { broker, offer } = await ready();
    await using _broker = broker;
    expect(await offer(changing({ 'model.py': deeper }).patch, { clientId: 'd-2' })).toMatchObject({ kind: 'refused', reason: expect.stringContaining('propose it as your own') });
    expect(await offer(changing({ 'model.py': deeper, 'optimizer.py': slower('0.01'), 'data.py': (text) => text.replace('24', '25') }).patch, { clientId: 'd-3' })).toMatchObject({ kind: 'rejected', rejection: { rule: 'ownership', owner: 'data' } });
    expect(await offer(both(), { clientId: 'd-4', to: 'nobody' })).toMatchObject({ kind: 'refused', reason: expect.stringContaining('nobody here is called nobody') });
    expect(await offer(both(), { clientId: 'd-5', to: 'architecture' })).toMatchObject({ kind: 'refused' });
    expect(await offer('not a patch', { clientId: 'd-6' })).toMatchObject({ kind: 'rejected', rejection: { rule: expect.any(String) } });
  });

  test('is answered once: what was declined is not accepted, nor what was accepted declined or accepted again, and an amendment that is refused leaves it open', async () => {
    const { w, broker, offer, decline, accept } = await ready();
    await using _broker = broker;
    await offer(both());
    await offer(both('0.03'), { clientId: 'd-2' });
    expect(await decline('j0001', 'data'), 'only whom it was offered to may answer').toMatchObject({ kind: 'refused' });
    expect(await w.propose(both(), { specialist: 'data', joint: { draft: 'j0001', with: 'architecture' } })).toMatchObject({ kind: 'rejected', rejection: { rule: 'ownership' } });
    for (let twice = 0; twice < 2; twice++) expect(await decline('j0001')).toEqual({ kind: 'done' });
    expect(await accept(both())).toMatchObject({ kind: 'rejected', rejection: { message: expect.stringContaining('j0001 is no draft of architecture that waits for optimizer') } });
    expect(await accept(changing({ 'data.py': (text) => text.replace('24', '25') }).patch, 'j0002'), 'an amendment keeps to what the two own').toMatchObject({ kind: 'rejected', rejection: { owner: 'data' } });
    expect(await accept(both('0.03'), 'j0002')).toMatchObject({ kind: 'admitted' });
    expect(await decline('j0002')).toMatchObject({ kind: 'refused', reason: expect.stringContaining('was accepted') });
    await w.until((l) => l.open.size === 0);
    expect(await accept(both('0.04'), 'j0002')).toMatchObject({ kind: 'rejected' });
    const lineage = await w.until((l) => l.sessions.unanswered.size === 0);
    expect([...lineage.sessions.joints.values()].map(({ answered }) => answered?.answer)).toEqual(['declined', 'accepted']);
    expect(lineage.odd).toBe(0);
  });

  test('that a broker died over after admitting its trial is recorded as accepted by the next one', async () => {
    const { w, broker, offer, accept } = await ready();
    await offer(both());
    const record = w.ports.journal.record.bind(w.ports.journal);
    w.ports.journal.record = (async (...said: Parameters<typeof record>) => { if (said[0] === 'joint.answered') throw new Error('cut off'); return record(...said); }) as typeof record;
    const died = expect(broker.done).rejects.toThrow('cut off');
    await accept(both());
    await died;
    await broker[Symbol.asyncDispose]();
    expect((await w.facts()).some(({ word }) => word === 'joint.answered')).toBe(false);
    w.ports.journal.record = record;
    await using _second = await w.startBroker();
    const lineage = await w.until((l) => l.sessions.joints.get('j0001')?.answered != null);
    expect(lineage.sessions.joints.get('j0001')?.answered).toMatchObject({ answer: 'accepted', trial: 't0001' });
  });

  test('is one of a few: a specialist with three that wait offers no fourth', async () => {
    const { broker, offer, decline } = await ready();
    await using _broker = broker;
    for (const n of [1, 2, 3]) expect(await offer(both(`0.0${n + 2}`), { clientId: `d-${n}` })).toMatchObject({ kind: 'offered' });
    expect(await offer(both('0.09'), { clientId: 'd-4' })).toMatchObject({ kind: 'refused', reason: expect.stringContaining('wait for an answer') });
    await decline('j0002');
    expect(await offer(both('0.09'), { clientId: 'd-4' })).toEqual({ kind: 'offered', joint: 'j0004' });
  });

  test('that a journal says was accepted by a trial of somebody else makes no sense to a reader, and is counted as that', async () => {
    const { w, broker, offer } = await ready();
    await using _broker = broker;
    await offer(both());
    await w.propose(changing({ 'model.py': deeper }).patch, { specialist: 'architecture' });
    await w.ports.journal.record('joint.answered', ['j0001'], { by: 'optimizer', answer: 'accepted', reason: '', trial: 't0001' });
    const lineage = emptyLineage();
    for (const fact of await w.facts()) grow(lineage, fact, 'toy-1', () => true);
    expect([lineage.odd, lineage.sessions.joints.get('j0001')?.answered]).toEqual([1, null]);
  });
});

describe('what others offer', () => {
  test('is read in the feedback: a draft by whom it waits for, what became of it by its drafter, and a hint by its owner', async () => {
    const { w, broker, offer, decline, hint } = await ready();
    await using _broker = broker;
    await offer(both());
    expect(await hint('h1', 'twenty-four points are too few for five degrees')).toEqual({ kind: 'offered', handoff: 'i-h1' });
    const told = (specialist: string, lineage: Parameters<typeof renderFeedback>[0]) => renderFeedback(lineage, { specialist, brief: null, claims: [] });
    const before = await w.until(() => true);
    expect(told('optimizer', before)).toMatch(/j0001 {2}architecture drafted this with your part in it, on t0000, predicted −0\.2: five degrees need half the rate\n\| --- a\/model\.py/);
    expect(told('architecture', before)).toContain('j0001  yours, for optimizer: not answered yet');
    expect(told('kernel', before)).toContain('## drafts that need you, and yours\nnone');
    expect(told('data', before)).toContain('from kernel: data.py#POINTS: twenty-four points are too few');
    await decline('j0001');
    const after = await w.until((l) => l.sessions.joints.get('j0001')?.answered != null);
    expect(told('architecture', after)).toContain('j0001  yours, for optimizer: declined: the rate is in use by t0003');
    expect(told('optimizer', after)).toContain('## drafts that need you, and yours\nnone');
  });

  test('is offered once, to another of this run, and in an arm without lineage not at all', async () => {
    const { w, broker, hint } = await ready();
    await using _broker = broker;
    for (let twice = 0; twice < 2; twice++) expect(await hint('h1', 'more points, please')).toEqual({ kind: 'offered', handoff: 'i-h1' });
    expect(await hint('h2', 'more points, please')).toMatchObject({ kind: 'refused', reason: 'data was told this already' });
    expect(await hint('h3', 'more points, please', 'kernel')).toMatchObject({ kind: 'refused' });
    expect(await hint('h4', 'more points, please', 'baseline')).toMatchObject({ kind: 'refused' });
    expect(await hint('x'.repeat(64), 'even more points, please')).toMatchObject({ kind: 'offered' });
    expect((await w.facts()).filter(({ word }) => word === 'handoff.offered')).toHaveLength(2);
    const bare = await ready(false);
    await using _bare = bare.broker;
    expect(await bare.hint('h1', 'more points, please')).toMatchObject({ kind: 'refused', reason: expect.stringContaining('without lineage') });
    expect(await bare.offer(both())).toMatchObject({ kind: 'refused', reason: expect.stringContaining('without lineage') });
  });
});

const never = (): never => { throw new Error('it is not there'); };
