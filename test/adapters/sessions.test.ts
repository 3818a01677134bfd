import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, truncate, writeFile, open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Annotation, Command, emptyCheckpoint, END, interrupt, MemorySaver, START, StateGraph, type BaseCheckpointSaver } from '@langchain/langgraph';
import { afterEach, describe, expect, test } from 'vitest';
import { openSessionStore } from '../../src/adapters/sessions/index.ts';

const folders: string[] = [];
const folder = async (): Promise<string> => { const made = await mkdtemp(join(tmpdir(), 'brigade-sessions-')); folders.push(made); return join(made, 'kernel.lmdb'); };
afterEach(async () => { await Promise.all(folders.splice(0).map((each) => rm(each, { recursive: true, force: true }))); });

const at = (thread: string) => ({ configurable: { thread_id: thread, checkpoint_ns: '' } });
const checkpoint = (n: number, value: unknown) => ({ ...emptyCheckpoint(), id: `1f0000000000000000000000000000${String(n).padStart(2, '0')}`, channel_values: { session: value } });
const META = { source: 'loop' as const, step: 1, parents: {} };
const all = async (saver: BaseCheckpointSaver, config: Parameters<BaseCheckpointSaver['list']>[0], options?: Parameters<BaseCheckpointSaver['list']>[1]) => { const found = []; for await (const each of saver.list(config, options)) found.push(each); return found; };

const conformance = (name: string, make: () => Promise<{ saver: BaseCheckpointSaver } & AsyncDisposable>) => describe(`a saver ${name}`, () => {
  test('gives back the newest checkpoint of a thread, with its metadata and whatever text was in it', async () => {
    await using store = await make();
    const value = { turns: ['\ud83d\ude00 \u0000 "quoted"', ''], none: null, deep: { n: 1.5 } };
    await store.saver.put(at('a'), checkpoint(1, 'old'), META, {});
    const config = await store.saver.put(at('a'), checkpoint(2, value), { ...META, step: 2 }, {});
    await store.saver.put(at('b'), checkpoint(1, 'other'), META, {});
    const tuple = await store.saver.getTuple(at('a'));
    expect([tuple?.checkpoint.channel_values['session'], tuple?.metadata?.step, tuple?.config]).toEqual([value, 2, config]);
    expect((await store.saver.getTuple(config))?.checkpoint.id).toBe(checkpoint(2, '').id);
    expect(await store.saver.getTuple(at('nobody'))).toBeUndefined();
  });
  test('keeps writes with their checkpoint: the first of a place stays, an interrupt is replaced', async () => {
    await using store = await make();
    const config = await store.saver.put(at('a'), checkpoint(1, 'x'), META, {});
    await store.saver.putWrites(config, [['session', 'one'], ['branch', 'two']], 'task');
    await store.saver.putWrites(config, [['session', 'again']], 'task');
    await store.saver.putWrites(config, [['__interrupt__', 'first']], 'task');
    await store.saver.putWrites(config, [['__interrupt__', 'second']], 'task');
    expect((await store.saver.getTuple(at('a')))?.pendingWrites?.toSorted()).toEqual([['task', '__interrupt__', 'second'], ['task', 'branch', 'two'], ['task', 'session', 'one']]);
    await store.saver.put(config, checkpoint(2, 'y'), META, {});
    expect((await store.saver.getTuple(at('a')))?.pendingWrites).toEqual([]);
  });
  test('lists by thread, by metadata and before a checkpoint', async () => {
    await using store = await make();
    await store.saver.put(at('a'), checkpoint(1, 'x'), META, {});
    await store.saver.put(at('b'), checkpoint(3, 'y'), { ...META, step: 7 }, {});
    expect((await all(store.saver, {})).map(({ checkpoint: { id } }) => id).toSorted()).toEqual([checkpoint(1, '').id, checkpoint(3, '').id]);
    expect(await all(store.saver, at('a'))).toHaveLength(1);
    expect(await all(store.saver, {}, { filter: { step: 7 } })).toHaveLength(1);
    expect(await all(store.saver, {}, { limit: 1 })).toHaveLength(1);
    expect(await all(store.saver, at('b'), { before: { configurable: { checkpoint_id: checkpoint(3, '').id } } })).toHaveLength(0);
  });
  test('forgets a thread and nothing else', async () => {
    await using store = await make();
    const config = await store.saver.put(at('a'), checkpoint(1, 'x'), META, {});
    await store.saver.putWrites(config, [['session', 'one']], 'task');
    await store.saver.put(at('a1'), checkpoint(1, 'kept'), META, {});
    await store.saver.deleteThread('a');
    expect([await store.saver.getTuple(at('a')), (await store.saver.getTuple(at('a1')))?.checkpoint.channel_values['session']]).toEqual([undefined, 'kept']);
  });
  test('carries a graph over an interrupt', async () => {
    await using store = await make();
    const ran: string[] = [];
    const State = Annotation.Root({ said: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }) });
    const graph = new StateGraph(State)
      .addNode('think', () => { ran.push('think'); return { said: ['thought'] }; })
      .addNode('wait', () => ({ said: [interrupt<string, string>('for a row')] }))
      .addEdge(START, 'think').addEdge('think', 'wait').addEdge('wait', END).compile({ checkpointer: store.saver });
    const config = { configurable: { thread_id: 's1' }, durability: 'sync' as const };
    await graph.invoke({ said: [] }, config);
    expect((await graph.getState(config)).next).toEqual(['wait']);
    expect((await graph.invoke(new Command({ resume: 'a keep' }), config)).said).toEqual(['thought', 'a keep']);
    expect(ran).toEqual(['think']);
  });
});
conformance("in memory, LangGraph's own", async () => ({ saver: new MemorySaver(), async [Symbol.asyncDispose]() {} }));
conformance('in LMDB', async () => openSessionStore(await folder()));

test('what is kept of a thread does not grow with its steps', async () => {
  const path = await folder();
  await using store = await openSessionStore(path);
  for (let n = 1; n < 90; n++) {
    const config = await store.saver.put(at('a'), checkpoint(n, 'x'.repeat(50_000)), META, {});
    await store.saver.putWrites(config, [['session', 'y'.repeat(50_000)]], `task-${n}`);
  }
  expect((await stat(path)).size).toBeLessThan(3_000_000);
  expect(await store.threads()).toEqual(['a']);
});

test('a key that could reach into another thread is refused', async () => {
  await using store = await openSessionStore(await folder());
  await expect(store.saver.put(at('a/b'), checkpoint(1, 'x'), META, {})).rejects.toThrow(/cannot be part of the key/);
  await expect(store.saver.getTuple({ configurable: {} })).rejects.toThrow(/none is named/);
});

const CHILD = `
import { Annotation, interrupt, StateGraph, START, END } from '@langchain/langgraph';
const { openSessionStore } = await import(process.argv[1]);
const store = await openSessionStore(process.argv[2]);
const State = Annotation.Root({ said: Annotation({ reducer: (a, b) => [...a, ...b], default: () => [] }) });
const graph = new StateGraph(State)
  .addNode('think', () => ({ said: ['thought by ' + process.argv[3]] }))
  .addNode('wait', () => ({ said: [interrupt('for a row')] }))
  .addNode('die', async () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}); })
  .addEdge(START, 'think').addConditionalEdges('think', () => (process.argv[4] === 'step' ? 'die' : 'wait'), ['die', 'wait']).addEdge('die', 'wait').addEdge('wait', END).compile({ checkpointer: store.saver });
await graph.invoke({ said: [] }, { configurable: { thread_id: 's1' }, durability: 'sync' });
process.kill(process.pid, 'SIGKILL');
`;

test.each(['interrupt', 'step'])('a process killed at its %s leaves what another goes on with, and no step is run twice', async (where) => {
  const path = await folder();
  const built = new URL('../../dist/adapters/sessions/index.js', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, built, path, 'the first', where], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (bytes: Buffer) => { errors += bytes.toString(); });
  const signal = await new Promise((resolve) => { child.once('close', (_, by) => resolve(by)); });
  expect({ signal, errors }).toEqual({ signal: 'SIGKILL', errors: '' });

  await using store = await openSessionStore(path);
  expect([store.notice, await store.threads()]).toEqual([null, ['s1']]);
  const State = Annotation.Root({ said: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }) });
  const graph = new StateGraph(State)
    .addNode('think', () => ({ said: ['thought again'] })).addNode('wait', () => ({ said: [interrupt<string, string>('for a row')] })).addNode('die', () => ({ said: ['went on'] }))
    .addEdge(START, 'think').addConditionalEdges('think', () => (where === 'step' ? 'die' as const : 'wait' as const), ['die', 'wait']).addEdge('die', 'wait').addEdge('wait', END).compile({ checkpointer: store.saver });
  const config = { configurable: { thread_id: 's1' }, durability: 'sync' as const };
  if (where === 'step') await graph.invoke(null, config);
  const end = await graph.invoke(new Command({ resume: 'a keep' }), config);
  expect(end.said).toEqual(['thought by the first', ...(where === 'step' ? ['went on'] : []), 'a keep']);
});

describe('a store that was damaged', () => {
  const damages: readonly (readonly [string, (file: string, size: number) => Promise<void>])[] = [
    ['cut in half', (file, size) => truncate(file, Math.floor(size / 2))],
    ['filled with garbage', (file, size) => writeFile(file, Buffer.alloc(size, 'garbage '))],
    ['overwritten in its meta pages', async (file) => { await using handle = await openFile(file, 'r+'); await handle.write(Buffer.alloc(8_192, 0xff), 0, 8_192, 0); }],
    ['changed in the midst of a record', async (file) => { await using handle = await openFile(file, 'r+'); const bytes = await handle.readFile(); for (let i = bytes.indexOf('YWFhYWFh'); i >= 0; i = bytes.indexOf('YWFhYWFh', i + 1)) await handle.write('YWFiYWFh', i); }],
  ];
  test.each(damages)('is thrown away when %s, says so, and the fresh one works', async (_, damage) => {
    const path = await folder();
    const before = await openSessionStore(path);
    await before.saver.put(at('a'), checkpoint(1, 'a'.repeat(20_000)), META, {});
    await before[Symbol.asyncDispose]();
    await damage(path, (await stat(path)).size);
    await using store = await openSessionStore(path);
    expect(store.notice).toContain('a thought that was open in them is lost');
    expect(await readdir(join(path, '..'))).toContain('kernel.lmdb.damaged');
    expect(await store.threads()).toEqual([]);
    await store.saver.put(at('b'), checkpoint(1, 'y'), META, {});
    expect(await store.threads()).toEqual(['b']);
  });
});
