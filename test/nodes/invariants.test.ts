import { expect, test } from 'vitest';
import type { Fact } from '../../src/domain/fact.ts';
import { syntheticRun } from '../support/synthetic-run.ts';
import type { Entry, Happening } from './history.ts';
import { INVARIANTS, type Boxes, type Evidence } from './invariants/index.ts';
import { digestOf } from './watch.ts';

// Each invariant on a run that keeps it, and on the same run with one thing changed.

const { run, facts: whole } = syntheticRun(12);
const note: Fact = { word: 'operator.acted', ids: ['1'], body: { act: 'note', detail: 'note-1', limits: null }, seq: whole.length + 1, at: (whole.at(-1)?.at ?? 0) + 1 };
const FACTS: readonly Fact[] = [...whole, note];

const history = (these: readonly (Happening & { readonly ms: number })[]): Entry[] => [...these];
const seen = (facts: readonly Fact[]): Entry[] => facts.map((fact, i) => ({ ms: 100 * i, kind: 'fact', seq: fact.seq, word: fact.word, digest: digestOf(fact), takenAt: fact.at, lateMs: 0 }));
const BOXES: Boxes = {
  streams: ['n1', 'n2', 'n3'].map((server) => ({ server, firstSeq: 1, lastSeq: FACTS.length, messages: FACTS.length, deleted: 0 })),
  copies: ['n1', 'n2', 'n3'].map((server) => ({ server, facts: FACTS })), caches: [], left: [], leaks: [], logBytes: {},
};
const GOOD: Evidence = { run, facts: FACTS, entries: [...seen(FACTS), ...history([{ ms: 90_000, kind: 'ok', op: 'note-1' }])], resumeMs: 60_000, boxes: null };

/** What one invariant says of evidence. */
const says = (id: string, more: Partial<Evidence>): string[] => INVARIANTS.find((each) => each.id === id)?.check({ ...GOOD, ...more }) ?? ['there is no such invariant'];

test('there are eleven, each with a number of its own', () => {
  expect(INVARIANTS.map(({ id }) => id)).toEqual(Array.from({ length: 11 }, (_, n) => `I${n + 1}`));
});

test('a note that was acknowledged and is not in the journal is a lost one', () => {
  expect(says('I1', {})).toEqual([]);
  expect(says('I1', { facts: whole, entries: GOOD.entries.filter((entry) => entry.kind === 'ok') })).toEqual(['note-1 was acknowledged and is not in the journal']);
});

test('a fact that was seen and is another now was changed', () => {
  const changed = FACTS.map((fact) => (fact === note ? { ...note, body: { ...note.body, detail: 'note-2' } } as Fact : fact));
  expect(says('I1', { facts: changed })).toEqual(expect.arrayContaining([`position ${note.seq} was operator.acted and is something else`]));
});

test('one subject said twice is found', () => {
  const first = whole.find(({ word }) => word === 'trial.result');
  expect(says('I2', {})).toEqual([]);
  expect(says('I2', { facts: [...FACTS, { ...first, seq: FACTS.length + 1 } as Fact] })).toEqual(expect.arrayContaining([expect.stringMatching(/^trial\.result\.t\d+ was said at \d+ and at \d+$/)]));
});

const group = (ms: number, kind: 'up' | 'gone', name: string): Entry => ({ ms, kind, slot: 'n1/cpu0', group: name, at: ms });

test('two wardens at work in one slot are found, and one after another are not', () => {
  const after = [group(0, 'up', 'cpu0.7.command-1'), group(1000, 'gone', 'cpu0.7.command-1'), group(1000, 'up', 'cpu0.9.command-1'), group(3000, 'gone', 'cpu0.9.command-1')];
  expect(says('I3', { facts: [], entries: after })).toEqual([]);
  const at = [group(0, 'up', 'cpu0.7.command-1'), group(1000, 'up', 'cpu0.9.command-1'), group(2000, 'gone', 'cpu0.7.command-1'), group(3000, 'gone', 'cpu0.9.command-1')];
  expect(says('I3', { facts: [], entries: at })).toEqual(['n1/cpu0 had cpu0.7.command-1 and cpu0.9.command-1 at once from 1000 ms on']);
});

test('a tree that was seen last in the look before the next was seen first did not overlap it, however long the look took', () => {
  const late = [group(0, 'up', 'cpu0.7.command-1'), { ...group(5_000, 'gone', 'cpu0.7.command-1'), at: 1_000 }, { ...group(5_000, 'up', 'cpu0.9.command-1'), at: 1_000 }, group(9_000, 'gone', 'cpu0.9.command-1')];
  expect(says('I3', { facts: [], entries: late })).toEqual([]);
});

const lease = (trial: string, seq: number, at = seq): Fact => ({ word: 'lease.granted', ids: [trial, 's1', '1'], body: { trial, replicate: 's1', attempt: 1, node: 'n1', slots: ['cpu0'], purpose: 'search', snapshot: '0'.repeat(64), ttlMs: 1000 }, seq, at });

test('a slot that is leased while another lease has it is found, and a tree that outlives its lease', () => {
  expect(says('I3', { facts: [lease('t1', 1), lease('t2', 2)], entries: [] })).toEqual(['n1/cpu0 was leased to t2.s1 while t1.s1.1 had it']);
  const took: Fact = { word: 'broker.took', ids: ['2'], body: { name: 'b2', boot: 'x' }, seq: 2, at: 2 };
  expect(says('I3', { facts: [lease('t1', 1), took, lease('t2', 3)], entries: [] }), 'two brokers in one moment').toEqual([]);
  expect(says('I3', { facts: [lease('t1', 1), took, lease('t2', 3, 9_000)], entries: [] })).toHaveLength(1);
  const lapsed: Fact = { word: 'lease.lapsed', ids: ['t1', 's1', '1'], body: { reason: 'node n1 did not renew this lease for 1 s' }, seq: 2, at: 2 };
  const entries = [group(0, 'up', 'cpu0.7.command-1'), ...seen([lapsed]).map((entry) => ({ ...entry, ms: 2000 })), group(9000, 'gone', 'cpu0.7.command-1')];
  expect(says('I3', { facts: [lease('t1', 1), lapsed], entries })).toEqual(['n1/cpu0 still had cpu0.7.command-1 when the lease of t1.s1.1 had lapsed, at 2000 ms']);
});

test('what a measurement left is found', () => {
  expect(says('I4', { boxes: { ...BOXES, left: ['n1 still has a process: python'] } })).toHaveLength(1);
});

test('a server or a cache that tells another story is found at the place', () => {
  expect(says('I5', { boxes: BOXES })).toEqual([]);
  expect(says('I5', { boxes: { ...BOXES, copies: [{ server: 'n2', facts: FACTS.slice(0, 3) }] } })).toEqual(['n2 ends before 4']);
  expect(says('I5', { boxes: { ...BOXES, copies: [{ server: 'n3', facts: null }] } })).toEqual(['n3 could not be made to tell what it holds']);
  expect(says('I5', { boxes: { ...BOXES, caches: [{ daemon: 'k1', applied: FACTS.length, chain: 'f'.repeat(64) }] } })).toEqual([`the cache of k1 tells another story up to ${FACTS.length}`]);
});

test('a result that does not follow from what was measured is found', () => {
  expect(says('I6', {}), 'measurements of a made-up run bear no signature').not.toEqual([]);
});

test('a gap in a server’s journal is found', () => {
  expect(says('I7', { boxes: BOXES })).toEqual([]);
  expect(says('I7', { boxes: { ...BOXES, streams: [{ server: 'n1', firstSeq: 1, lastSeq: 10, messages: 9, deleted: 1 }] } })).toEqual(['n1 has 9 messages from 1 to 10 of 10, 1 deleted']);
});

test('a slot that worked for longer than was charged is found', () => {
  const enrolled: Fact = { word: 'node.enrolled', ids: ['n1', 'b1'], body: { publicKey: 'k', slots: [{ slot: 'cpu0', kind: 'cpu', memoryBytes: 1 }], device: 'cpu', evaluatorHash: '0'.repeat(64), environmentHash: '0'.repeat(64), sandbox: 'none', canaries: [] }, seq: 1, at: 1 };
  const entries = [...seen([enrolled]), group(1000, 'up', 'cpu0.7.command-1'), group(9000, 'gone', 'cpu0.7.command-1')];
  expect(says('I8', { facts: [enrolled], entries, boxes: BOXES })).toEqual(['slots worked for at least 7.5 s and 0.0 s were charged']);
});

test('a run that stands still after a fault was healed is found, and one that never ends', () => {
  const entries = history([{ ms: 0, kind: 'healed', fault: 'kill-node', what: '' }, { ms: 70_000, kind: 'says', text: '' }]);
  expect(says('I9', { entries, facts: [] })).toEqual(['after kill-node was healed at 0 s nothing was measured for more than 60 s']);
  expect(says('I9', { entries: [...entries, ...history([{ ms: 90_000, kind: 'says', text: '' }])], facts: [] }), 'the same words later: it is told once').toEqual(says('I9', { entries, facts: [] }));
  expect(says('I9', { entries: [], facts: [], boxes: BOXES })).toEqual(['the run was told to stop and did not']);
});

test('a run that ends by itself is found, and one that its operator stops is not', () => {
  const stopping: Fact = { word: 'run.stopping', ids: ['1'], body: { reason: 'no proposal for 60 s', mode: 'complete' }, seq: FACTS.length + 2, at: 0 };
  const act: Fact = { word: 'operator.acted', ids: ['2'], body: { act: 'stop', detail: 'finish what is leased', limits: null }, seq: FACTS.length + 1, at: 0 };
  expect(says('I9', { facts: [stopping] })).toEqual(['the run ended by itself: no proposal for 60 s']);
  expect(says('I9', { facts: [act, stopping] })).toEqual([]);
});

test('a lease that a broker says as it wakes up, replaced, is its node’s to sort out', () => {
  const woken: Entry = { ms: 0, kind: 'healed', fault: 'pause-broker', what: '' };
  const twice = [lease('t1', 1), lease('t2', 2)];
  expect(says('I3', { facts: twice, entries: [...seen(twice), woken] })).toEqual([]);
  expect(says('I3', { facts: twice, entries: [...seen(twice), { ...woken, fault: 'kill-node' }] })).toHaveLength(1);
});

test('memory that grows without end is found, and a secret that got out', () => {
  expect(says('I10', { entries: history([{ ms: 0, kind: 'size', daemon: 'b1', residentBytes: 2 ** 31, files: 9 }]) })).toEqual(['b1 had 2048 MB resident and 9 files open']);
  expect(says('I11', { boxes: { ...BOXES, leaks: ['it stands in b1.log'] } })).toEqual(['it stands in b1.log']);
});
