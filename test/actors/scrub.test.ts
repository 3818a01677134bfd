import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startLineage } from '../../src/actors/lineage/index.ts';
import { processClock } from '../../src/adapters/clock/index.ts';
import { openStore } from '../../src/adapters/lmdb/index.ts';
import { connectNats, startServer, type EmbeddedServer, type NatsSession } from '../../src/adapters/nats/index.ts';
import { openConnection } from '../../src/adapters/nats/session.ts';
import { writeRunFile } from '../../src/cli/place.ts';
import { restoreCommand } from '../../src/cli/restore.ts';
import type { Surroundings } from '../../src/cli/surroundings.ts';
import { flawsByCopy } from '../../src/cli/verify-copy.ts';
import { healthCommand } from '../../src/cli/health.ts';
import type { Stored } from '../../src/domain/damage.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { JournalDamaged, type Bus, type Journal } from '../../src/ports.ts';
import { ActorState, EVERY_RUN } from '../../src/protocols/actor.ts';
import { ReadRows } from '../../src/protocols/lineage.ts';
import type { Role } from '../../src/protocols/streams.ts';
import { authority } from '../support/authority.ts';
import { natsBinary } from '../support/nats.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

// Bytes are flipped in the stores of real servers, where these keep journals.

const { run, facts: all } = syntheticRun(12);
const facts = all.slice(0, 40);
const folders: string[] = [];
const folder = async (): Promise<string> => { const made = await mkdtemp(join(tmpdir(), 'brigade-scrub-')); folders.push(made); return made; };
afterEach(async () => { await Promise.all(folders.splice(0).map((each) => rm(each, { recursive: true, force: true }))); });

const record = async (journal: Journal, from = 0, to = facts.length): Promise<void> => { for (const fact of facts.slice(from, to)) await journal.record(fact.word, fact.ids as never, fact.body as never); };
const blockOf = (store: string): string => join(store, 'jetstream', 'CORE', 'streams', `BRIGADE_EVT_${run}`, 'msgs', '1.blk');

/** Flips one bit of the body of the fact at a position. */
async function flip(store: string, seq: number): Promise<void> {
  const block = blockOf(store);
  const fact = facts[seq - 1];
  if (!fact) throw new Error(`there is no fact ${seq}`);
  const name = `.${[fact.word, ...fact.ids].join('.')}`;
  const at = (await readFile(block)).indexOf(name) + name.length + 70; // behind its headers
  await using file = await open(block, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  await file.write(Buffer.from([(byte[0] ?? 0) ^ 4]), 0, 1, at);
}

interface Kept extends AsyncDisposable { /** Of somebody who may ask it. */ readonly bus: Bus; readonly lines: string[]; readonly done: Promise<void> }

/** A keeper that looks over the copies again and again. */
async function keep(session: NatsSession, path: string, asker: NatsSession): Promise<Kept> {
  const stop = new AbortController();
  const lines: string[] = [];
  const ports = { journal: session.journal(run), bus: session.bus, blobs: session.blobs(run), clock: processClock, presence: session.presence({ run, write: ({ level, message }) => { lines.push(`${level} ${message}`); } }) };
  const actor = await startLineage(ports, { store: await openStore(path), verify: () => true, copies: session.copies(run), scrubMs: 100 }, { run, signal: stop.signal });
  return { bus: asker.bus, lines, done: actor.done, [Symbol.asyncDispose]: () => actor[Symbol.asyncDispose]() };
}
const stateOf = ({ bus }: Kept): Promise<{ state: string; why: string }> => bus.ask(ActorState, { actor: 'lineage' }, {}, { timeoutMs: 5_000 });
const readAll = async (journal: Journal): Promise<Fact[]> => { const read: Fact[] = []; for await (const fact of journal.follow({ after: 0, until: await journal.position() })) read.push(fact); return read; };

describe('of a journal with one copy', () => {
  let server: EmbeddedServer;
  const sessions: NatsSession[] = [];
  const session = async (role: Role): Promise<NatsSession> => { const opened = await connectNats({ url: server.url, monitorUrl: server.monitorUrl, keyFile: server.keyFile(role), name: role, role, firstConnectMs: 60_000 }); sessions.push(opened); return opened; };
  const begin = async (dir: string): Promise<NatsSession> => {
    server = await startServer({ binary: natsBinary, dir });
    const supervisor = await session('supervisor');
    await supervisor.ensureRun(run);
    await record(supervisor.journal(run));
    return supervisor;
  };
  afterEach(async () => { await Promise.all(sessions.splice(0).map((each) => each.close())); await server.stop(); });

  test('a flipped bit is found and told with the remedy, and nobody who starts anew reads past it', async () => {
    const dir = await folder();
    const supervisor = await begin(dir);
    await using kept = await keep(await session('lineage'), join(dir, 'lineage.lmdb'), supervisor);
    expect(await stateOf(kept)).toMatchObject({ state: 'following' });
    await server.stop();
    await flip(join(dir, 'store'), 17);
    server = await startServer({ binary: natsBinary, dir });
    await vi.waitFor(async () => { expect(await stateOf(kept)).toMatchObject({ state: 'alarmed', why: expect.stringMatching(/brigade: position 17 is gone.*brigade runs restore/) }); }, { timeout: 30_000, interval: 100 });
    expect(kept.lines.filter((line) => line.startsWith('error'))).toEqual([expect.stringContaining('17 is gone')]); // once, not every round
    expect((await (await session('specialist')).bus.ask(ReadRows, { run }, { after: 0, asOf: null, limit: 500 }, { timeoutMs: 5_000 })).asOf).toBe(facts.length);
    await expect(readAll((await session('broker')).journal(run))).rejects.toThrow(/position 17 is gone.*brigade runs restore/);

    await using _up = (await session('lineage')).presence({ run: EVERY_RUN }).announce({ actor: 'lineage', name: 'k1', run: EVERY_RUN, read: () => ({ state: 'serving', why: 'its daemons are at work', context: { [`keeper-${run}`]: 'alive' } }) });
    await vi.waitFor(async () => { // a busy machine may be too slow for its patience
      let out = '';
      const program = new Command().exitOverride();
      healthCommand(program, { write: (text) => { out += text; } });
      await program.parseAsync(['health', 'keeper', '--nats', server.url, '--keys', join(dir, 'keys'), '--node', 'k1', '--json'], { from: 'user' });
      process.exitCode = undefined; // it is not ready
      expect(JSON.parse(out)).toMatchObject({ live: true, ready: false, why: expect.stringContaining('17 is gone'), daemons: [{ name: `keeper-${run}`, state: 'alarmed' }] });
    }, { timeout: 60_000, interval: 500 });
  });

  test('a server that after a restart has forgotten everything behind a flipped bit is left by all who read it, and its journal is put back as it was', async () => {
    const place = { root: await folder(), runs: await folder() };
    const dir = join(place.runs, run, 'nats');
    const path = join(place.runs, run, 'lineage.lmdb');
    const supervisor = await begin(dir);
    const kept = await keep(await session('lineage'), path, supervisor);
    const reader = (await session('broker')).journal(run);
    const before = await readAll(reader);
    const reading = (async () => { for await (const _ of reader.follow({ after: 0 })) { /* until it is damaged */ } })();
    const ends = Promise.all([expect(reading).rejects.toThrow(JournalDamaged), expect(kept.done).rejects.toThrow(/ends at position 16, and was read up to 40/)]);
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
    await flip(join(dir, 'store'), 17);
    server = await startServer({ binary: natsBinary, dir });
    await ends;
    await kept[Symbol.asyncDispose]();
    await expect(keep(await session('lineage'), path, supervisor)).rejects.toThrow(/ends at position 16, and was read up to 40.*brigade runs restore/);
    const fresh = (await session('supervisor')).journal(run);
    await record(fresh, 30, 32); // whoever did not know
    expect(await flawsByCopy({ bus: null, dir: join(place.runs, run), facts: await readAll(fresh) })).toEqual([{ from: 17, to: 18, what: 'changed' }, { from: 19, to: 40, what: 'gone' }]); // brigade verify
    await Promise.all(sessions.splice(0).map((each) => each.close()));
    await server.stop();

    await writeRunFile(place, { run, surface: 'golf-mini', url: null, keys: join(dir, 'keys') });
    let out = '';
    const program = new Command().exitOverride();
    restoreCommand(program, { place, out: { write: (text: string) => { out += text; } } } as unknown as Surroundings);
    await expect(program.parseAsync(['restore', run, '--from', join(dir, 'none.lmdb')], { from: 'user' })).rejects.toThrow(/none\.lmdb cannot be used: there is none/);
    await program.parseAsync(['restore', run, '--json'], { from: 'user' });
    const said = JSON.parse(out) as { positions: number; facts: number; later: number; replaced: number; aside: string };
    expect(said).toMatchObject({ positions: 40, facts: 40, later: 0, replaced: 2 });
    expect((await readFile(said.aside, 'utf8')).trim().split('\n').map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual([17, 18]);

    server = await startServer({ binary: natsBinary, dir });
    process.kill(server.pid, 'SIGKILL'); // it must know its records again without an index
    await server.exited;
    server = await startServer({ binary: natsBinary, dir });
    const again = await session('supervisor');
    expect(await readAll(again.journal(run))).toEqual(before);
    expect(await flawsByCopy({ bus: null, dir: join(place.runs, run), facts: before })).toEqual([]);
    expect(await again.journal(run).record(facts[3]?.word as never, facts[3]?.ids as never, facts[3]?.body as never)).toEqual({ kind: 'taken' });
    await using whole = await keep(await session('lineage'), path, again);
    await vi.waitFor(async () => { expect(await stateOf(whole)).toMatchObject({ state: 'following' }); });
    expect(whole.lines).toEqual([]);
  });

  test('a journal that was removed is put back with what strangers wrote in its place left out, and facts beside their subjects where they were', async () => {
    const dir = await folder();
    server = await startServer({ binary: natsBinary, dir });
    const supervisor = await session('supervisor');
    await supervisor.ensureRun(run);
    const nc = await openConnection({ url: server.url, keyFile: server.keyFile('supervisor'), name: 'stranger', role: 'supervisor' });
    await record(supervisor.journal(run), 0, 10);
    const [squatted] = facts.slice(10);
    await jetstream(nc).publish(`brigade.evt.${run}.${squatted?.word}.${squatted?.ids.join('.')}`, 'no fact');
    await nc.close();
    await record(supervisor.journal(run), 10, 20);
    const before = await readAll(supervisor.journal(run));
    expect(before.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
    await supervisor.removeRun(run);
    const aside: number[][] = [];
    const setAside = async (stored: readonly Stored[]): Promise<void> => {
      aside.push(stored.map(({ seq }) => seq));
      if (stored.length > 0) expect(await supervisor.listRuns(), 'while the journal is there').toContain(run);
    };
    expect(await supervisor.restoreRun(run, before, setAside)).toMatchObject({ positions: 21, later: 0, replaced: [] });
    expect(await readAll((await session('broker')).journal(run))).toEqual(before);
    await record(supervisor.journal(run), 20, 22);
    expect(await supervisor.restoreRun(run, before, setAside)).toMatchObject({ positions: 23, later: 2, replaced: [] });
    expect(aside).toEqual([[], [22, 23]]);
    expect((await readAll((await session('broker')).journal(run))).slice(0, 20)).toEqual(before);
  });
});

describe('of a journal with three copies', () => {
  test('a flipped bit on one server’s disk is found wherever the journal is led, everybody reads on, and the remedy that is told mends it', async () => {
    await using cluster = await authority(['--node', 'atlas', '--specialist', 'optimizer'], 3);
    const supervisor = await cluster.session('supervisor');
    await vi.waitFor(() => supervisor.ensureRun(run), { timeout: 60_000, interval: 250 });
    await record(supervisor.journal(run));
    await using kept = await keep(await cluster.session('lineage'), join(await folder(), 'lineage.lmdb'), supervisor);
    await cluster.restart('n3', (store) => flip(store, 17));
    await vi.waitFor(async () => { expect(await stateOf(kept)).toMatchObject({ state: 'alarmed', why: expect.stringMatching(/n3: position 17 is gone; the other servers have them\. On n3 stop nats-server, remove jetstream\/CORE\/streams\/BRIGADE_EVT_golf-mini-1121a in its store/) }); }, { timeout: 60_000, interval: 200 });
    for (let i = 0; i < 6; i++) expect(await readAll((await cluster.session('broker')).journal(run))).toHaveLength(facts.length);
    await cluster.restart('n3', (store) => rm(join(blockOf(store), '..', '..'), { recursive: true }));
    await vi.waitFor(async () => { expect(await stateOf(kept)).toMatchObject({ state: 'following' }); }, { timeout: 60_000, interval: 200 });
    expect(kept.lines.filter((line) => !line.startsWith('warn'))).toEqual([expect.stringMatching(/^error .*n3/), 'info every copy of the journal is whole again']);
  });
});

test('a keeper whose own copy changes under it ends, and its next start makes another', async () => {
  const dir = await folder();
  const server = await startServer({ binary: natsBinary, dir });
  const opened: NatsSession[] = [];
  try {
    const session = async (role: Role): Promise<NatsSession> => { const made = await connectNats({ url: server.url, monitorUrl: server.monitorUrl, keyFile: server.keyFile(role), name: role, role, firstConnectMs: 60_000 }); opened.push(made); return made; };
    const supervisor = await session('supervisor');
    await supervisor.ensureRun(run);
    await record(supervisor.journal(run), 0, 20);
    const path = join(dir, 'lineage.lmdb');
    const kept = await keep(await session('lineage'), path, supervisor);
    const bytes = await readFile(path);
    const at = bytes.indexOf(JSON.stringify(facts[5]?.body).slice(0, 40));
    bytes[at + 10] = (bytes[at + 10] ?? 0) ^ 1;
    await writeFile(path, bytes, { flag: 'r+' });
    await expect(kept.done).rejects.toThrow(/the keeper's own copy of the facts changed/);
    await kept[Symbol.asyncDispose]();
    await using again = await keep(await session('lineage'), path, supervisor);
    expect(await stateOf(again)).toMatchObject({ state: 'following' });
    expect(again.lines).toEqual([expect.stringMatching(/^warn the copy at .* cannot be used/)]);
  } finally {
    await Promise.all(opened.map((each) => each.close()));
    await server.stop();
  }
});
