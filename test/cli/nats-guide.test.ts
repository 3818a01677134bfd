import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Objm } from '@nats-io/obj';
import type { NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startBroker } from '../../src/actors/broker/index.ts';
import { startLineage } from '../../src/actors/lineage/index.ts';
import { openTrial, weigh, weighClaim } from '../../src/actors/trial/index.ts';
import { openClock } from '../../src/adapters/clock/index.ts';
import { volatileStore } from '../../src/adapters/lmdb/volatile.ts';
import type { Ports } from '../../src/ports.ts';
import { Progress } from '../../src/protocols/actor.ts';
import { authority, type Authority } from '../support/authority.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

// Every `nats …` line of the guides, done over the wire as the stock tool does it, with the operator's generated key, against a live run. The tool itself is not run here:
// what is tried is that each subject, body, stream and permission a guide relies on is there and answers.

const ROOT = join(import.meta.dirname, '..', '..');
const GUIDES = ['docs/nats.md', 'README.md', 'src/protocols/README.md'];
const made = syntheticRun(40);
const { run } = made;
const facts = made.facts.slice(0, made.facts.findIndex(({ word }) => word === 'run.stopping'));

interface Line { readonly guide: string; readonly words: readonly string[]; readonly text: string }

/** Splits as a shell does, quotes and comments included. */
const wordsOf = (text: string): string[] => [...text.replace(/\s+#\s.*$/, '').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => single ?? double ?? plain ?? '');
const linesOf = async (guide: string): Promise<Line[]> => (await readFile(join(ROOT, guide), 'utf8')).split('\n').filter((line) => line.startsWith('nats ')).map((text) => ({ guide, text, words: wordsOf(text).slice(1) }));
/** What ends the run, and then what removes it, goes last; else the order of the guides. */
const weight = ({ text }: Line): number => (/run\.stop\./.test(text) ? 1 : /stream rm/.test(text) ? 2 : /stream restore/.test(text) ? 3 : 0);

let nats: Authority;
let operator: NatsConnection & { readonly refusals: string[] };
let setup: NatsConnection & { readonly refusals: string[] };
const stop = new AbortController();
const actors: AsyncDisposable[] = [];
const backups = new Map<string, { readonly bytes: Uint8Array[]; readonly config: unknown; readonly state: unknown; readonly messages: number }>();
let blob = '';

beforeAll(async () => {
  nats = await authority(['--node', 'atlas', '--specialist', 'kernel']);
  const supervisor = await nats.session('supervisor');
  await supervisor.ensureRun(run);
  for (const fact of facts) await supervisor.journal(run).record(fact.word, fact.ids, fact.body);
  blob = await supervisor.blobs(run).put(new TextEncoder().encode('a recipe'));
  const portsOf = async (user: string, actor: string): Promise<Ports> => {
    const session = await nats.session(user);
    return { journal: session.journal(run), bus: session.bus, blobs: session.blobs(run), clock: openClock(), presence: session.presence({ run, actor, write: () => undefined }) };
  };
  const [keeper, broker, kernel, atlas] = [await portsOf('lineage', 'lineage'), await portsOf('broker', 'broker'), await portsOf('specialist-kernel', 'specialist'), await portsOf('evaluator-atlas', 'evaluator')];
  actors.push(await startLineage(keeper, { store: volatileStore(null), verify: () => true }, { run, signal: stop.signal }));
  actors.push(await startBroker(broker, {
    admit: async () => ({ kind: 'rejected', rejection: { rule: 'empty', file: null, symbol: null, owner: null, message: 'nothing is proposed here' } }),
    trials: { weigh, weighClaim, open: openTrial }, calibrations: { find: async () => null, keep: async () => undefined }, verify: () => true,
  }, { run, signal: stop.signal }));
  const read = () => ({ state: 'waiting', why: 'a test', context: {} });
  actors.push(kernel.presence.announce({ actor: 'specialist', name: 'kernel', run, read }), atlas.presence.announce({ actor: 'evaluator', name: 'atlas', run, read }));
  const talking = setInterval(() => {
    kernel.presence.log('info', 'still here');
    atlas.bus.tell(Progress, { run, node: 'atlas', slot: 'cpu0' }, { trial: null, replicate: null, phase: 'idle', seconds: 0, budgetSeconds: 0 });
  }, 200);
  actors.push({ async [Symbol.asyncDispose]() { clearInterval(talking); } });
  [operator, setup] = [await nats.client('operator'), await nats.client('supervisor')];
}, 240_000);

afterAll(async () => { await leave(); await nats?.[Symbol.asyncDispose](); }, 120_000);

async function leave(): Promise<void> {
  stop.abort(new Error('the test is over'));
  for (const each of actors.splice(0).reverse()) await each[Symbol.asyncDispose]();
}

/** The value of a flag. */
const flag = (words: readonly string[], name: string): string | null => { const at = words.indexOf(name); return at < 0 ? null : words[at + 1] ?? ''; };
const matches = (pattern: string, subject: string): boolean => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^.]+').replace(/>$/, '.+')}$`).test(subject);

async function subscribe(client: NatsConnection, words: readonly string[]): Promise<void> {
  const stream = flag(words, '--stream');
  const subject = words.filter((word, i) => !word.startsWith('-') && words[i - 1] !== '--stream').at(-1) ?? '';
  if (stream !== null) { // from the first message on, pushed to an inbox
    const consumer = await jetstream(client).consumers.get(stream, { filter_subjects: [subject] });
    expect((await consumer.next({ expires: 10_000 }))?.seq).toBe(1);
    return;
  }
  const heard: string[] = [];
  const subscription = client.subscribe(subject, { callback: (_, message) => { heard.push(message.subject); } });
  await client.flush();
  const { state } = await (await jetstreamManager(client)).streams.info(`BRIGADE_EVT_${run}`, { subjects_filter: '>' });
  if (subject.startsWith('brigade.tel.')) await vi.waitFor(() => { expect(heard.length, subject).toBeGreaterThan(0); }, { timeout: 30_000, interval: 50 });
  else expect(Object.keys(state.subjects ?? {}).filter((each) => matches(subject, each)), `no fact is ever said on ${subject}`).not.toEqual([]);
  subscription.unsubscribe();
}

async function request(client: NatsConnection, words: readonly string[]): Promise<void> {
  const [, subject = '', body = ''] = words;
  const answers = flag(words, '--replies') === '0' ? await client.requestMany(subject, body, { maxWait: 1_500 }) : [await client.request(subject, body, { timeout: 30_000 })];
  let count = 0;
  for await (const answer of answers) {
    count += 1;
    expect(answer.headers?.get('Nats-Service-Error') ?? '', `${subject} ${body}`).toBe('');
    const said = answer.json() as { ok?: boolean; state?: string };
    expect(subject.startsWith('brigade.cmd.run.') ? said.ok : typeof said.state, `${subject} ${body}: ${answer.string()}`).toBe(subject.startsWith('brigade.cmd.run.') ? true : 'string');
  }
  expect(count, subject).toBeGreaterThan(0);
}

async function ofStream(client: NatsConnection, [, verb = '', stream = '', ...more]: readonly string[]): Promise<void> {
  const jsm = await jetstreamManager(client);
  switch (verb) {
    case 'ls': { const names: string[] = []; for await (const { config } of jsm.streams.list()) names.push(config.name); expect(names).toContain(`BRIGADE_EVT_${run}`); return; }
    case 'info': expect((await jsm.streams.info(stream)).config.num_replicas).toBe(1); return;
    case 'subjects': expect(Object.keys((await jsm.streams.info(stream, { subjects_filter: '>' })).state.subjects ?? {}).length).toBeGreaterThan(100); return;
    case 'get': expect((await jsm.streams.getMessage(stream, { last_by_subj: flag(more, '--last-for') ?? '' }))?.seq).toBeGreaterThan(0); return;
    case 'view': { // a page at a time, acknowledged
      const { name } = await jsm.consumers.add(stream, { name: 'a-viewer', ack_policy: 'explicit', inactive_threshold: 10e9 });
      const message = await (await jetstream(client).consumers.get(stream, name)).next({ expires: 10_000 });
      expect(await message?.ackAck()).toBe(true);
      await jsm.consumers.delete(stream, name);
      return;
    }
    case 'backup': return void await backUp(client, stream, basename(more[0] ?? ''));
    case 'rm': expect(await jsm.streams.delete(stream)).toBe(true); return;
    case 'restore': return restore(client, basename(stream));
    default: throw new Error(`no guide's test knows nats stream ${verb}: teach it`);
  }
}

/** Has the server send a whole stream in chunks, and says of each that it came. */
async function backUp(client: NatsConnection, stream: string, name: string): Promise<void> {
  const bytes: Uint8Array[] = [];
  const inbox = `_INBOX.backup.${name}`;
  const whole = new Promise<void>((resolve) => {
    client.subscribe(inbox, { callback: (_, message) => { if (message.data.length === 0) { resolve(); return; } bytes.push(message.data); message.respond(''); } });
  });
  const begun = (await client.request(`$JS.API.STREAM.SNAPSHOT.${stream}`, JSON.stringify({ deliver_subject: inbox, no_consumers: true, chunk_size: 65_536 }), { timeout: 30_000 })).json() as { error?: unknown; config: unknown; state: { messages: number } };
  expect(begun.error).toBeUndefined();
  await whole;
  backups.set(name, { bytes, config: begun.config, state: begun.state, messages: begun.state.messages });
}

async function restore(client: NatsConnection, name: string): Promise<void> {
  const kept = backups.get(name);
  if (!kept) throw new Error(`${name} was not backed up by an earlier line of the guide`);
  const stream = (kept.config as { name: string }).name;
  const begun = (await client.request(`$JS.API.STREAM.RESTORE.${stream}`, JSON.stringify({ config: kept.config, state: kept.state }), { timeout: 30_000 })).json() as { error?: unknown; deliver_subject: string };
  expect(begun.error).toBeUndefined();
  for (const chunk of kept.bytes) await client.request(begun.deliver_subject, chunk, { timeout: 30_000 });
  const done = (await client.request(begun.deliver_subject, '', { timeout: 30_000 })).json() as { error?: unknown; state: { messages: number } };
  expect([done.error, done.state.messages]).toEqual([undefined, kept.messages]);
}

async function ofBucket(client: NatsConnection, [, verb = '', bucket = '', name = '']: readonly string[]): Promise<void> {
  const store = await new Objm(jetstream(client)).open(bucket);
  if (verb === 'ls') expect((await store.list()).map((each) => each.name)).toContain(blob);
  else if (verb === 'get') expect(Buffer.from(await store.getBlob(name === 'HASH' ? blob : name) ?? []).toString()).toBe('a recipe');
  else throw new Error(`no guide's test knows nats object ${verb}: teach it`);
}

async function perform({ words: all }: Line): Promise<void> {
  const context = flag(all, '--context');
  const words = all.filter((word, i) => word !== '--context' && all[i - 1] !== '--context');
  const client = context?.endsWith('-setup') ? setup : operator;
  switch (words[0]) {
    case 'context': { const key = flag(words, '--nkey'); if (key !== null) expect(existsSync(join(nats.keys, basename(key))), key).toBe(true); break; }
    case 'sub': await subscribe(client, words.slice(1)); break;
    case 'req': await request(client, words); break;
    case 'stream': await ofStream(client, words); break;
    case 'object': await ofBucket(client, words); break;
    case 'micro': {
      const names: string[] = [];
      for await (const pong of await client.requestMany('$SRV.PING', '', { maxWait: 1_500 })) names.push((pong.json() as { name: string }).name);
      expect(names.sort()).toEqual(['broker', 'evaluator-atlas', 'lineage', 'specialist-kernel']);
      break;
    }
    default: throw new Error(`no guide's test knows nats ${words[0]}: teach it`);
  }
  await client.flush();
  expect(client.refusals, 'the key does not let it').toEqual([]);
}

test('every nats command of the guides does over the wire what it is there for, with the operator’s key', async () => {
  const lines = (await Promise.all(GUIDES.map(linesOf))).flat().sort((a, b) => weight(a) - weight(b));
  expect(lines.filter(({ guide }) => guide === 'docs/nats.md').length).toBeGreaterThan(30);
  for (const line of lines) {
    if (weight(line) === 2) await leave(); // the guide says so: stop the daemons first
    await perform(line).catch((cause: unknown) => { throw new Error(`${line.guide}: ${line.text}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }); });
  }
  const restored: string[] = [];
  for await (const fact of (await nats.session('operator')).journal(run).follow({ after: 0, until: facts.length })) restored.push(`${fact.word} ${fact.ids.join('.')}`);
  expect(restored).toEqual(facts.map((fact) => `${fact.word} ${fact.ids.join('.')}`));
}, 300_000);

test('an operator can neither say a fact nor remove a journal, and an onlooker can only look', async () => {
  await (await nats.session('supervisor')).ensureRun('another');
  const tried = async (user: string, subject: string): Promise<string> => {
    const client = await nats.client(user);
    client.publish(subject, '{}');
    await client.flush();
    await client.flush();
    const said = client.refusals.length === 0 ? 'let pass' : 'refused';
    await client.close();
    return `${user} ${subject} ${said}`;
  };
  const writes = ['brigade.evt.another.trial.result.t0001', '$JS.API.STREAM.DELETE.BRIGADE_EVT_another', '$JS.API.STREAM.UPDATE.BRIGADE_EVT_another', '$JS.API.STREAM.CREATE.MINE', '$JS.API.STREAM.RESTORE.MINE', '$O.BRIGADE_BLOBS_another.C.x'];
  for (const subject of writes) expect(await tried('operator', subject)).toContain('refused');
  for (const subject of [...writes, 'brigade.cmd.run.stop.another', 'brigade.tel.another.pulse.broker.main', '$JS.API.STREAM.INFO.BRIGADE_EVT_another', '$JS.API.STREAM.SNAPSHOT.BRIGADE_EVT_another']) expect(await tried('dashboard', subject)).toContain('refused');
  const dashboard = await nats.client('dashboard');
  const heard: string[] = [];
  dashboard.subscribe('brigade.>', { callback: () => undefined });
  dashboard.subscribe('brigade.evt.>', { callback: (_, message) => { heard.push(message.subject); } });
  await dashboard.flush();
  await (await nats.session('supervisor')).journal('another').record('handoff.offered', ['h1'], { from: 'kernel', to: 'data', file: 'a.py', symbol: null, hint: 'listen to this', trial: null });
  await vi.waitFor(() => { expect(heard).toEqual(['brigade.evt.another.handoff.offered.h1']); }, { timeout: 20_000, interval: 20 });
  await dashboard.close();
});
