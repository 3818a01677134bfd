import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, nkeyAuthenticator } from 'nats';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { memoryJournal } from '../../src/adapters/memory/index.ts';
import { JournalUnavailable } from '../../src/adapters/nats/index.ts';
import { natsJournal } from '../../src/adapters/nats/journal.ts';
import { Reconnects } from '../../src/adapters/nats/reconnects.ts';
import { openConnection } from '../../src/adapters/nats/session.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { Journal, Unreadable } from '../../src/ports.ts';
import { natsServer } from '../support/nats.ts';

const RUN = 'r1';
const hint = (to: string) => ({ from: 'kernel', to, file: 'model.py', symbol: null, hint: 'a hint', trial: null });

/** The first `n` readable facts after a position. */
async function take(journal: Journal, n: number, after = 0, onUnreadable: (what: Unreadable) => void = () => {}): Promise<Fact[]> {
  const stop = new AbortController();
  const facts: Fact[] = [];
  for await (const fact of journal.follow({ after, signal: stop.signal, onUnreadable })) {
    facts.push(fact);
    if (facts.length === n) break;
  }
  stop.abort();
  return facts;
}

interface Opened extends AsyncDisposable { readonly journal: Journal; inject(subject: string, bytes: string): Promise<void> }

/** Every Journal must pass this; a new one adds one line below. */
const journalSpec = (name: string, open: () => Promise<Opened>) => describe(`a journal in ${name}`, () => {
  test('the first writer of a fact wins and the second is told so', async () => {
    await using opened = await open();
    expect(await opened.journal.record('handoff.offered', ['h1'], hint('data'))).toEqual({ kind: 'recorded', seq: 1 });
    expect(await opened.journal.record('handoff.offered', ['h1'], hint('optimizer'))).toEqual({ kind: 'taken' });
    expect(await take(opened.journal, 1)).toMatchObject([{ word: 'handoff.offered', ids: ['h1'], seq: 1, body: { to: 'data' } }]);
  });
  test('of two hundred writers of ten facts exactly ten are recorded', async () => {
    await using opened = await open();
    const said = await Promise.all(Array.from({ length: 200 }, (_, i) => opened.journal.record('handoff.offered', [`h${i % 10}`], hint(`writer${i}`))));
    expect(said.filter(({ kind }) => kind === 'recorded')).toHaveLength(10);
    expect(await opened.journal.position()).toBe(10);
  });
  test('a body that is not what the protocol says is refused before it is stored', async () => {
    await using opened = await open();
    await expect(opened.journal.record('handoff.offered', ['h1'], { ...hint('data'), extra: 1 } as never)).rejects.toThrow(/handoff\.offered h1/);
    await expect(opened.journal.record('operator.acted', ['1'], { act: 'limit', detail: '', limits: { trials: NaN } } as never)).rejects.toThrow(TypeError);
    await expect(opened.journal.record('handoff.offered', ['h.>'], hint('data'))).rejects.toThrow(TypeError);
    expect(await opened.journal.position()).toBe(0);
  });
  test('a follower sees earlier facts, then live ones, in journal order and each once', async () => {
    await using opened = await open();
    for (let i = 0; i < 5; i++) await opened.journal.record('handoff.offered', [`a${i}`], hint('data'));
    const taken = take(opened.journal, 8, 2);
    for (let i = 0; i < 5; i++) await opened.journal.record('handoff.offered', [`b${i}`], hint('data'));
    expect((await taken).map(({ seq }) => seq)).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  });
  test('an aborted follower ends although nothing more is said', async () => {
    await using opened = await open();
    await opened.journal.record('handoff.offered', ['h1'], hint('data'));
    const stop = new AbortController();
    let seen = 0;
    for await (const _ of opened.journal.follow({ after: 0, signal: stop.signal })) { seen += 1; queueMicrotask(() => { stop.abort(); }); }
    expect(seen).toBe(1);
  });
  test('what cannot be read is named with its position and passed over', async () => {
    await using opened = await open();
    await opened.inject(`brigade.evt.${RUN}.trial.result.t0001`, '{"status":"keep"}');
    await opened.inject(`brigade.evt.${RUN}.trial.exploded.t0001`, '{}');
    await opened.inject(`brigade.evt.${RUN}.handoff.offered.h2`, 'not json');
    await opened.journal.record('handoff.offered', ['h3'], hint('data'));
    const unreadable: Unreadable[] = [];
    expect(await take(opened.journal, 1, 0, (what) => unreadable.push(what))).toMatchObject([{ ids: ['h3'], seq: 4 }]);
    expect(unreadable.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(unreadable[0]?.reason).toContain('trial.result');
  });
  test('what is no fact on the subject of one costs nothing: the fact is said beside it, read as if it stood there, and still has one first writer', async () => {
    await using opened = await open();
    await opened.inject(`brigade.evt.${RUN}.handoff.offered.h1`, '{"stream":"an answer that a server was made to write here","seq":7}');
    await opened.inject(`brigade.evt.${RUN}.handoff.offered.h1.1`, 'and whoever guesses the next place');
    expect(await opened.journal.record('handoff.offered', ['h1'], hint('data'))).toEqual({ kind: 'recorded', seq: 3 });
    expect(await opened.journal.record('handoff.offered', ['h1'], hint('optimizer')), 'a second writer finds the same place').toEqual({ kind: 'taken' });
    expect(await take(opened.journal, 1)).toMatchObject([{ word: 'handoff.offered', ids: ['h1'], seq: 3, body: { to: 'data' } }]);
    expect(await opened.journal.position()).toBe(3);
  });
  test('a fact that is believed by its signature is said beside other words too, and once however often it is said', async () => {
    await using opened = await open();
    await opened.journal.record('handoff.offered', ['h1'], hint('optimizer'));
    expect(await opened.journal.record('handoff.offered', ['h1'], hint('data'), { beside: true })).toEqual({ kind: 'recorded', seq: 2 });
    expect(await opened.journal.record('handoff.offered', ['h1'], hint('data'), { beside: true })).toEqual({ kind: 'recorded', seq: 2 });
    expect(await take(opened.journal, 2)).toMatchObject([{ ids: ['h1'], body: { to: 'optimizer' } }, { ids: ['h1'], body: { to: 'data' } }]);
    expect(await opened.journal.position()).toBe(2);
  });
  test('whoever reads up to a position is done there, though nothing readable stands at it', async () => {
    await using opened = await open();
    const read = async (until: number): Promise<number[]> => { const seqs: number[] = []; for await (const { seq } of opened.journal.follow({ after: 0, until })) seqs.push(seq); return seqs; };
    expect(await read(0)).toEqual([]);
    for (const id of ['h1', 'h2', 'h3']) await opened.journal.record('handoff.offered', [id], hint('data'));
    await opened.inject(`brigade.evt.${RUN}.handoff.offered.h4`, 'not json');
    expect(await read(await opened.journal.position())).toEqual([1, 2, 3]);
    expect(await read(2)).toEqual([1, 2]);
  });
});

journalSpec('memory', async () => {
  const journal = memoryJournal(RUN);
  return { journal, inject: async (subject, text) => { journal.inject(subject, text); }, async [Symbol.asyncDispose]() {} };
});

journalSpec('nats', async () => {
  const server = await natsServer();
  const session = await server.run(RUN);
  const raw = await connect({ servers: server.server.url, authenticator: nkeyAuthenticator(new TextEncoder().encode(await readFile(server.server.keyFile('supervisor') ?? '', 'utf8'))) });
  return {
    journal: session.journal(RUN),
    inject: async (subject, text) => { await raw.request(subject, text); },
    async [Symbol.asyncDispose]() { await raw.close(); await server[Symbol.asyncDispose](); },
  };
});

describe('a journal in nats, beyond what every journal does', () => {
  test('no acknowledged fact is lost and none is doubled when the server is killed while it writes', async () => {
    await using server = await natsServer();
    const journal = (await server.run(RUN)).journal(RUN);
    const followed = take((await server.session('lineage')).journal(RUN), 300);
    const said = Promise.all(Array.from({ length: 300 }, async (_, i) => {
      if (i >= 100) await journal.position(); // spread over the crash
      return journal.record('handoff.offered', [`h${i}`], hint(`writer${i}`));
    }));
    await journal.record('handoff.offered', ['before'], hint('data'));
    await server.crash();
    expect((await said).map(({ kind }) => kind)).toEqual(Array.from({ length: 300 }, () => 'recorded'));
    expect(await journal.position()).toBe(301);
    const seqs = (await followed).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  });
  test('a fact stored whose acknowledgement was lost counts as recorded, and one of another author as taken', async () => {
    await using server = await natsServer();
    const session = await server.run(RUN);
    const journal = session.journal(RUN);
    process.kill(server.server.pid, 'SIGSTOP'); // the server hears nothing now: the words lie in its socket
    const mine = journal.record('handoff.offered', ['h1'], hint('data'));
    process.kill(server.server.pid, 'SIGCONT');
    expect(await mine).toEqual({ kind: 'recorded', seq: 1 });
    expect(await (await server.session('broker')).journal(RUN).record('handoff.offered', ['h1'], hint('kernel'))).toEqual({ kind: 'taken' });
  });
  test('what took a subject is looked at again when it could not be seen at once: it may be our own words, or none at all', async () => {
    await using server = await natsServer();
    await server.run(RUN);
    const nc = await openConnection({ url: server.server.url, keyFile: server.server.keyFile('supervisor'), name: 'test', role: 'supervisor' });
    const manager = await jetstreamManager(nc, { checkAPI: false });
    const [look, js] = [manager.streams.getMessage.bind(manager.streams), jetstream(nc)];
    let isLost = true;
    manager.streams.getMessage = async (...asked) => { if (isLost) { isLost = false; throw new Error('the answer was lost'); } return look(...asked); };
    const journal = natsJournal({ nc, js, jsm: async () => manager, reconnects: new Reconnects(nc), run: RUN });
    await js.publish(`brigade.evt.${RUN}.handoff.offered.h1`, 'what a server was made to write here');
    expect(await journal.record('handoff.offered', ['h1'], hint('data'))).toEqual({ kind: 'recorded', seq: 2 });
    isLost = true;
    expect(await journal.record('handoff.offered', ['h1'], hint('kernel')), 'and another author was first all the same').toEqual({ kind: 'taken' });
    isLost = true;
    expect(await journal.record('handoff.offered', ['h1'], hint('kernel'), { beside: true })).toEqual({ kind: 'recorded', seq: 3 });
    await nc.close();
  });
  test('a run that was removed is named instead of waited for', async () => {
    await using server = await natsServer();
    const session = await server.run(RUN);
    const journal = session.journal(RUN);
    await session.removeRun(RUN);
    await expect(journal.record('handoff.offered', ['h1'], hint('data'))).rejects.toThrow(JournalUnavailable);
    await expect(journal.position()).rejects.toThrow(/no run r1/);
  });
  test('a specialist can neither write a fact nor read the journal', async () => {
    await using server = await natsServer();
    await server.run(RUN);
    const journal = (await server.session('specialist')).journal(RUN);
    await expect(journal.record('handoff.offered', ['h1'], hint('data'))).rejects.toThrow(/another role/);
    await expect(journal.position()).rejects.toThrow(/another role/);
  });
  test('an evaluator may say what it measured and no result', async () => {
    await using server = await natsServer();
    await server.run(RUN);
    const journal = (await server.session('evaluator')).journal(RUN);
    await expect(journal.record('operator.acted', ['1'], { act: 'note', detail: '', limits: null })).rejects.toThrow(/another role/);
    const enrolled = { publicKey: 'k', slots: [{ slot: 'cpu0', kind: 'cpu', memoryBytes: 1 }], device: 'd', evaluatorHash: '0'.repeat(64), environmentHash: '0'.repeat(64), sandbox: 'none', canaries: [] } as const;
    expect(await journal.record('node.enrolled', ['atlas', 'b1'], enrolled)).toEqual({ kind: 'recorded', seq: 1 });
  });
});
