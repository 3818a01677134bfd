import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { getShortestPaths } from 'xstate/graph';
import { bareRow, bestAt, emptyTimeline, note, rowsBetween } from '../../src/actors/lineage/decide.ts';
import { startLineage } from '../../src/actors/lineage/index.ts';
import { lineageMachine } from '../../src/actors/lineage/machine.ts';
import { processClock } from '../../src/adapters/clock/index.ts';
import { openCopy, openStore } from '../../src/adapters/lmdb/index.ts';
import { memoryPorts } from '../../src/adapters/memory/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import type { FactStore, Journal, Ports } from '../../src/ports.ts';
import { ActorState } from '../../src/protocols/actor.ts';
import { ReadFeedback, ReadRecipe, ReadRows } from '../../src/protocols/lineage.ts';
import { natsServer } from '../support/nats.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const made = syntheticRun(40);
const { run } = made;
const ids = { run };
const soon = { timeoutMs: 10_000 };
const yes = () => true;

const record = async (journal: Journal, facts: readonly Fact[]): Promise<void> => { for (const fact of facts) await journal.record(fact.word, fact.ids as never, fact.body as never); };

interface Kept extends AsyncDisposable { readonly ports: Ports; readonly lineage: Lineage; readonly store: FactStore; readonly path: string; again(ports?: Ports): Promise<Kept> }

/** A lineage keeper over a memory journal and a real LMDB folder. */
async function keep(facts: readonly Fact[], { ports = memoryPorts(run, processClock), path = '' }: { ports?: Ports; path?: string } = {}): Promise<Kept> {
  const folder = path === '' ? join(await mkdtemp(join(tmpdir(), 'brigade-lineage-')), 'lineage.lmdb') : path;
  await record(ports.journal, facts);
  const store = await openStore(folder);
  const stop = new AbortController();
  const actor = await startLineage(ports, { store, verify: yes }, { run, signal: stop.signal });
  return {
    ports, lineage: actor.lineage, store, path: folder,
    async again(next = ports) { await actor[Symbol.asyncDispose](); return keep([], { ports: next, path: folder }); },
    async [Symbol.asyncDispose]() { await actor[Symbol.asyncDispose](); await rm(join(folder, '..'), { recursive: true, force: true }); },
  };
}

describe('a lineage keeper', () => {
  test('answers from everything the journal held when it started', async () => {
    await using kept = await keep(made.facts);
    const answer = await kept.ports.bus.ask(ReadRows, ids, { after: 0, asOf: null, limit: 500 }, soon);
    expect(answer.asOf).toBe(made.facts.length);
    expect(answer.rows.map(({ trial }) => trial).sort()).toEqual([...made.lineage.trials.keys()].sort());
    expect(answer.best).toMatchObject({ trial: made.lineage.bests.at(-1)?.trial });
    expect(answer.noise).toBe(made.lineage.calibration?.sd);
  });
  test('started again on its copy it holds the same lineage without reading the journal anew', async () => {
    await using first = await keep(made.facts);
    const before = first.store.position();
    await using second = await first.again();
    expect(second.store.position()).toEqual(before);
    expect(second.lineage).toEqual(first.lineage);
    expect(await second.ports.bus.ask(ActorState, { actor: 'lineage' }, {}, soon)).toMatchObject({ state: 'following' });
  });
  test('a copy that holds more of a journal than the journal itself is kept, and nobody goes on without it', async () => {
    const still = { ...processClock, now: () => 7 }; // the same facts, said at the same moments
    await using first = await keep(made.facts, { ports: memoryPorts(run, still) });
    const shorter = memoryPorts(run, still);
    await record(shorter.journal, made.facts.slice(0, 30));
    await expect(first.again(shorter)).rejects.toThrow(/ends at position 30, and was read up to \d+.*brigade runs restore/);
    await using copy = await openStore(first.path);
    expect(copy.position().applied).toBe(made.facts.length);
  });
  test('a copy of another journal is put aside although its positions exist', async () => {
    await using first = await keep(made.facts.slice(0, 20));
    const other = memoryPorts(run, processClock);
    const facts = syntheticRun(12, ['an idea that nobody had before']).facts;
    await record(other.journal, facts);
    await using second = await first.again(other);
    expect(other.presence.logged.map(({ message }) => message)).toEqual([expect.stringContaining('put aside')]);
    expect(second.lineage.applied).toBe(facts.length);
    const aside = await openCopy(`${first.path}.earlier-1`);
    if (typeof aside === 'string') throw new Error(aside);
    expect([...aside.read(0, 1_000)]).toHaveLength(20);
    await aside[Symbol.asyncDispose]();
    expect([...second.lineage.trials.values()].map(({ proposal }) => proposal.hypothesis)).toContain('an idea that nobody had before');
  });
  test('an earlier position is answered as it was then, also by one that has seen more since', async () => {
    const half = Math.floor(made.facts.length / 2);
    await using early = await keep(made.facts.slice(0, half));
    const then = {
      rows: await early.ports.bus.ask(ReadRows, ids, { after: 0, asOf: null, limit: 500 }, soon),
      text: await early.ports.bus.ask(ReadFeedback, ids, { specialist: 'optimizer', asOf: null }, soon),
    };
    expect(then.rows.asOf).toBe(half);
    await record(early.ports.journal, made.facts.slice(half));
    expect((await early.ports.bus.ask(ReadRows, ids, { after: 0, asOf: made.facts.length, limit: 1 }, soon)).asOf).toBe(made.facts.length);
    expect(await early.ports.bus.ask(ReadRows, ids, { after: 0, asOf: half, limit: 500 }, soon)).toEqual(then.rows);
    expect(await early.ports.bus.ask(ReadFeedback, ids, { specialist: 'optimizer', asOf: half }, soon)).toEqual(then.text);
    expect((await early.ports.bus.ask(ReadFeedback, ids, { specialist: 'optimizer', asOf: null }, soon)).text).not.toBe(then.text.text);
  });
  test('a position the journal has not reached is refused after a little patience', async () => {
    await using kept = await keep(made.facts);
    await expect(kept.ports.bus.ask(ReadRows, ids, { after: 0, asOf: 1_000_000, limit: 1 }, soon)).rejects.toThrow(/has not been read yet/);
  });
  test('a recipe of the run is told, a log or a stranger’s hash is not', async () => {
    await using kept = await keep(made.facts);
    const recipe = { 'recipe.py': 'x = 1\n' };
    const log = await kept.ports.blobs.put(new TextEncoder().encode('{"secret.txt":"loss 3"}'));
    await kept.ports.blobs.put(new TextEncoder().encode(canonicalRecipe(made.baseline)));
    expect((await kept.ports.bus.ask(ReadRecipe, ids, { snapshot: made.lineage.started?.snapshot ?? '' }, soon)).recipe).toEqual(made.baseline);
    expect((await kept.ports.bus.ask(ReadRecipe, ids, { snapshot: log }, soon)).recipe).toBeNull();
    expect((await kept.ports.bus.ask(ReadRecipe, ids, { snapshot: await kept.ports.blobs.put(new TextEncoder().encode(canonicalRecipe(recipe))) }, soon)).recipe).toBeNull();
  });
  test('goes on over NATS while the server is killed, with every fact once', async () => {
    await using server = await natsServer();
    const session = await server.run(run);
    const lineageSession = await server.session('lineage');
    const ports: Ports = { journal: lineageSession.journal(run), bus: lineageSession.bus, blobs: lineageSession.blobs(run), clock: processClock, presence: lineageSession.presence({ run }) };
    await record(session.journal(run), made.facts.slice(0, 50));
    await using kept = await keep([], { ports });
    await server.crash();
    await record(session.journal(run), made.facts.slice(50));
    const specialist = await server.session('specialist');
    const answer = await specialist.bus.ask(ReadRows, ids, { after: 0, asOf: made.facts.length, limit: 500 }, soon);
    expect(answer.rows).toHaveLength(made.lineage.trials.size);
    expect(kept.lineage.odd).toBe(made.lineage.odd);
  });
});

describe('what a specialist may know', () => {
  const fold = (facts: readonly Fact[]) => {
    const lineage = emptyLineage();
    const timeline = emptyTimeline();
    for (const fact of facts) { const bests = lineage.bests.length; if (grow(lineage, fact, run, yes)) note(timeline, lineage, fact, bests); }
    return { lineage, timeline };
  };
  test('every position is told the same from the whole journal as from the journal up to there', () => {
    const whole = fold(made.facts);
    for (let asOf = 1; asOf <= made.facts.length; asOf += 7) {
      const part = fold(made.facts.slice(0, asOf));
      expect(rowsBetween(whole.lineage, whole.timeline, { after: 0, asOf, limit: 500 })).toEqual(rowsBetween(part.lineage, part.timeline, { after: 0, asOf, limit: 500 }));
      expect(bestAt(whole.lineage, whole.timeline, asOf)).toEqual(bestAt(part.lineage, part.timeline, asOf));
    }
  });
  test('pages of rows join to the whole, oldest change first', () => {
    const { lineage, timeline } = fold(made.facts);
    const asOf = lineage.applied;
    const all = rowsBetween(lineage, timeline, { after: 0, asOf, limit: 500 }).rows;
    const joined = [];
    for (let after = 0, more = true; more;) {
      const page = rowsBetween(lineage, timeline, { after, asOf, limit: 3 });
      joined.push(...page.rows);
      after = page.rows.at(-1)?.seq ?? after;
      ({ more } = page);
    }
    expect(joined).toEqual(all);
    expect(all.map(({ seq }) => seq)).toEqual(all.map(({ seq }) => seq).sort((a, b) => a - b));
  });
  test('a trial that our own fault or a dead node ended is known to be over, and nothing else of it', () => {
    const facts = made.facts.map((fact) => (fact.word === 'trial.result' && fact.ids[0] === 't0001' ? { ...fact, body: { ...fact.body, status: 'lost' as const } } : fact));
    const { lineage, timeline } = fold(facts);
    const row = rowsBetween(lineage, timeline, { after: 0, asOf: lineage.applied, limit: 500 }).rows.find(({ trial }) => trial === 't0001');
    expect(row).toMatchObject({ status: 'lost', score: null, failure: null, deltaVsBest: null });
  });
  test('the bare row of the best names nobody’s idea', () => {
    const { lineage, timeline } = fold(made.facts);
    const head = bestAt(lineage, timeline, lineage.applied);
    expect(head && bareRow(lineage, head)).toMatchObject({ hypothesis: '', deltaVsBest: null, parent: 't0000', strategy: '', judgedAgainst: null });
  });
});

describe('an arm without lineage', () => {
  test('every command tells the best’s id, score and code, and nothing else of earlier outcomes', async () => {
    const closed = made.facts.map((fact) => (fact.word === 'run.started' ? { ...fact, body: { ...fact.body, arm: { ...fact.body.arm, lineage: false } } } : fact));
    await using kept = await keep(closed);
    for (const recipe of made.recipes.values()) await kept.ports.blobs.put(new TextEncoder().encode(canonicalRecipe(recipe)));
    const head = made.lineage.bests.at(-1);
    const others = [...made.lineage.trials.values()].filter(({ trial }) => trial !== head?.trial);

    const rows = await kept.ports.bus.ask(ReadRows, ids, { after: 0, asOf: null, limit: 500 }, soon);
    expect(rows.rows.map(({ trial }) => trial)).toEqual([head?.trial]);
    expect(rows.best).toEqual({ trial: head?.trial, score: head?.score, snapshot: head?.snapshot });

    const { text } = await kept.ports.bus.ask(ReadFeedback, ids, { specialist: 'optimizer', asOf: null }, soon);
    expect(text).toContain(head?.trial ?? '?');
    for (const told of [JSON.stringify(rows), text]) {
      for (const { trial, proposal, result } of others) {
        if (trial !== 't0000') expect(told).not.toContain(trial);
        expect(told).not.toContain(proposal.hypothesis);
        if (result?.score != null) expect(told).not.toContain(String(result.score));
      }
    }

    const readable = async (snapshot: string) => (await kept.ports.bus.ask(ReadRecipe, ids, { snapshot }, soon)).recipe !== null;
    expect(await readable(head?.snapshot ?? '')).toBe(true);
    const failed = others.filter(({ result, snapshot }) => snapshot !== null && result?.status !== 'keep' && result?.status !== 'baseline');
    expect(failed.length).toBeGreaterThan(5);
    for (const { snapshot } of failed) expect(await readable(snapshot ?? '')).toBe(made.lineage.bests.some((each) => each.snapshot === snapshot));
  });
});

describe('the chart of a lineage keeper', () => {
  const events = [
    { type: 'copy.judged', worth: { kind: 'usable' }, target: 5 }, { type: 'copy.judged', worth: { kind: 'useless', why: 'ahead' }, target: 5 },
    { type: 'facts.applied', applied: 3 }, { type: 'facts.applied', applied: 5 }, { type: 'copies.compared', damage: 'n2 has lost 7' }, { type: 'journal.failed', reason: 'gone' }, { type: 'keeper.closed' },
  ] as const;
  const paths = getShortestPaths(lineageMachine, { events, serializeState: (state) => String(state.value) as never });
  test('has seven states that can be reached', () => { expect(paths.map(({ state }) => String(state.value)).sort()).toEqual(['alarmed', 'catchingUp', 'closed', 'failed', 'following', 'probing', 'rebuilding']); });
  test.each(paths.map((path) => [path.steps.map(({ event }) => event.type).join(' > '), path] as const))('%s', (_, path) => {
    const caughtUp = path.steps.some(({ event }) => event.type === 'facts.applied');
    const isDamaged = path.steps.at(-1)?.event.type === 'copies.compared';
    expect(path.state.matches('following')).toBe(caughtUp && !isDamaged && path.state.status === 'active');
  });
});
