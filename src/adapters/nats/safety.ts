import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { connect, type NatsConnection, type TlsOptions } from 'nats';
import { z } from 'zod';
import { underName } from '../../protocols/message.ts';
import { journalStream } from '../../protocols/streams.ts';
import { monitorPages } from './runs.ts';
import { openConnection, ServerUnreachable } from './session.ts';
import { isRecentServer, OLDEST_SERVER } from './version.ts';

// Is this server fit to hold facts? Everything is tried on the running server; nothing is left behind on it.
//
//   D1. A server that lets in whoever comes, with or without saying so, is refused.
//   D2. A server is refused that acknowledges what a power cut would take.
//   D3. A journal that is not made as the protocol says is refused, by name of what differs.
//   D4. A specialist that could write, hear or have said a fact, or could speak for another, is found out by trying, on the subjects of a run that is none.

/** One thing that was looked at; `weak` works, with less known than could be. */
export interface Finding { readonly name: string; readonly ok: 'ok' | 'weak' | 'bad'; readonly says: string; readonly remedy: string | null }

/** Where a server is looked for, and the folder with the keys it was configured with; null for a server that has none. */
export interface Looked { readonly url: string; readonly keys: string | null; readonly monitorUrl?: string | null }

const CONFIGURE = 'make its configuration with brigade nats config';
const ALWAYS = 'put `sync_interval: always` into its jetstream block';
const ASK_MS = 2_000;
/** As long as the slowest server of a cluster may take to say what it is. */
const GATHER_MS = 1_000;

const Varz = z.object({ server_id: z.string(), server_name: z.string(), version: z.string(), jetstream: z.object({ config: z.object({ sync_always: z.boolean().optional() }).optional() }).optional() });
type Varz = z.infer<typeof Varz>;

const fine = (name: string, says: string): Finding => ({ name, ok: 'ok', says, remedy: null });
const bad = (name: string, says: string, remedy: string): Finding => ({ name, ok: 'bad', says, remedy });
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Tries everything that makes a server unsafe. */
export async function inspectServer({ url, keys, monitorUrl = null }: Looked): Promise<readonly Finding[]> {
  const entry = await tryEntry(url, keys);
  let operator = entry.connection;
  if (keys !== null) try {
    operator = await openConnection({ url, keyFile: join(keys, 'operator.nk'), name: 'brigade-doctor', role: 'operator' });
  } catch (error) {
    await entry.connection?.close();
    if (error instanceof ServerUnreachable && error.reason === 'no-answer') return [bad('nats-server', error.message, `start it, or give the --nats URL it is at${keys === null ? '' : `; over TLS, ca.crt lies in ${keys}`}`)];
    return [bad('nats-keys', reasonOf(error), `give the --keys folder that was made with its configuration`)];
  }
  if (operator === null) return [entry.finding, ...entry.finding.ok === 'ok' ? [{ name: 'nats-server', ok: 'weak' as const, says: 'what it is cannot be seen without a key', remedy: 'give --keys the folder that was made with its configuration' }] : []];
  try {
    return [...entry.finding.name === 'nats-server' ? [] : [entry.finding], ...await lookAtServers(operator, url, keys, monitorUrl), ...await lookAtJournals(operator), ...keys === null ? [] : await trySpecialist(url, keys, operator)];
  } finally {
    await operator.close();
    await entry.connection?.close();
  }
}

/** Comes without a key. */
async function tryEntry(url: string, keys: string | null): Promise<{ readonly finding: Finding; readonly connection: NatsConnection | null }> {
  const name = 'nats-entry';
  const ca = keys === null ? null : join(keys, 'ca.crt');
  const tls: { tls?: TlsOptions } = ca !== null && existsSync(ca) ? { tls: { caFile: ca } } : {};
  try {
    const connection = await connect({ servers: url.split(','), ...tls, timeout: 5_000, reconnect: false, maxReconnectAttempts: 0, name: 'brigade-doctor', noAsyncTraces: true });
    const isNamed = connection.info?.auth_required === true;
    return { connection, finding: bad(name, isNamed ? 'whoever shows no key is let in, as the user that no_auth_user names' : 'everybody is let in, without a key', isNamed ? 'take no_auth_user out of its configuration' : CONFIGURE) }; // D1
  } catch (error) {
    const reason = reasonOf(error);
    const isRefused = /authorization|authentication|certificate|handshake/i.test(reason);
    return { connection: null, finding: isRefused ? fine(name, `nobody is let in without a key${/certificate|handshake/i.test(reason) ? ' and a certificate' : ''}`) : bad('nats-server', `no connection to ${url}: ${reason}`, 'is it running, and is the address right? A server that asks for keys wants --keys DIR too') };
  }
}

async function lookAtServers(operator: NatsConnection, url: string, keys: string | null, monitorUrl: string | null): Promise<Finding[]> {
  const name = 'nats-server';
  const { version = '0.0.0', cluster } = operator.info ?? {};
  const tooOld = (where: string, is: string): Finding => bad(name, `${is} at ${where} cannot promise durability. Brigade needs ${OLDEST_SERVER} or newer`, 'npm run setup fetches one'); // D2
  if (!isRecentServer(version)) return [tooOld(url, version)];
  if (!(await jetstreamManager(operator, { timeout: ASK_MS }).then(() => true, () => false))) return [bad(name, `${version} at ${url} has no JetStream for this user`, `start it with a jetstream block, or ${CONFIGURE}`)];
  const servers = await varzOfAll(operator, { url, keys, monitorUrl });
  if (servers.length === 0) return [{ name, ok: 'weak', says: `${version} at ${url}, JetStream; whether it syncs every message cannot be seen from here`, remedy: `${ALWAYS}, and give --keys a folder with sys.nk, or run doctor on the server's machine` }];
  return servers.map((server) => {
    const where = cluster === undefined ? url : `${url} (${server.server_name} of ${cluster})`;
    if (!isRecentServer(server.version)) return tooOld(where, server.version);
    return server.jetstream?.config?.sync_always === true ? fine(name, `${server.version} at ${where}, every acknowledged message is on disk`)
      : bad(name, `${server.version} at ${where} does not sync every message: a power cut loses acknowledged facts`, ALWAYS); // D2
  });
}

/** What the servers say of themselves: to their own account where its key is at hand, else on the monitoring page of this one. */
async function varzOfAll(operator: NatsConnection, { url, keys, monitorUrl }: { readonly url: string; readonly keys: string | null; readonly monitorUrl: string | null }): Promise<Varz[]> {
  const sys = keys === null ? null : join(keys, 'sys.nk');
  if (sys !== null && existsSync(sys)) {
    const connection = await openConnection({ url, keyFile: sys, name: 'brigade-doctor', role: 'operator' });
    try {
      const found: Varz[] = [];
      for await (const answer of await connection.requestMany('$SYS.REQ.SERVER.PING.VARZ', '', { maxWait: GATHER_MS })) {
        const read = z.object({ data: Varz }).safeParse(answer.json());
        if (read.success) found.push(read.data.data);
      }
      if (found.length > 0) return found.sort((a, b) => a.server_name.localeCompare(b.server_name));
    } finally { await connection.close(); }
  }
  const answers = await Promise.all((monitorUrl === null ? monitorPages(operator.getServer()) : [monitorUrl]).map((page) => fetch(`${page.replace(/\/$/, '')}/varz`, { signal: AbortSignal.timeout(ASK_MS) }).then((answer) => answer.json() as Promise<unknown>, () => null)));
  return answers.flatMap((looked) => { const read = Varz.safeParse(looked); return read.success && read.data.server_id === operator.info?.server_id ? [read.data] : []; }).slice(0, 1); // another server's answer says nothing about this one
}

async function lookAtJournals(operator: NatsConnection): Promise<Finding[]> { // D3
  const name = 'nats-journal';
  const prefix = journalStream('').name;
  const jsm = await jetstreamManager(operator, { timeout: 10_000, checkAPI: false });
  const findings: Finding[] = [];
  let whole = 0;
  try {
    for await (const { config } of jsm.streams.list()) {
      if (!config.name.startsWith(prefix)) continue;
      const faults = faultsOf(config, operator.info?.cluster !== undefined);
      if (faults.length === 0) whole += 1;
      findings.push(...faults.map(({ says, remedy }) => bad(name, `${config.name} ${says}`, remedy)));
    }
  } catch (error) {
    return [bad(name, `the journals cannot be listed: ${reasonOf(error)}`, `give --keys the folder made by brigade nats config, or ${CONFIGURE}`)];
  }
  return [...findings, ...whole > 0 || findings.length === 0 ? [fine(name, `${whole === 0 ? 'no run yet' : `${whole} ${whole === 1 ? 'journal' : 'journals'} as the protocol says`}`)] : []];
}

function faultsOf(config: StreamConfig, isCluster: boolean): { readonly says: string; readonly remedy: string }[] {
  const wanted = journalStream(config.name.slice(journalStream('').name.length), isCluster ? 3 : 1);
  const real = config as unknown as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).flatMap(([key, value]) => {
    if (JSON.stringify(real[key] ?? (value === false ? false : null)) === JSON.stringify(value)) return [];
    const remedy = key === 'num_replicas' ? `nats stream edit ${config.name} --replicas ${String(value)}, with the supervisor's key`
      : `its run cannot be trusted with more facts: keep what it holds (brigade runs export), remove it (nats stream rm ${config.name}, with the supervisor's key), and start another`;
    return [{ says: `has ${key} ${JSON.stringify(real[key] ?? null)} and a journal needs ${JSON.stringify(value)}`, remedy }];
  });
}

const FOR_ANOTHER = 'speak for another specialist';

/** With a specialist's key: writes, asks, listens and has others answer, where only facts may lie. */
async function trySpecialist(url: string, keys: string, operator: NatsConnection): Promise<Finding[]> { // D4
  const name = 'nats-facts';
  const key = (await readdir(keys)).find((file) => /^specialist(-[A-Za-z0-9_-]+)?\.nk$/.test(file));
  if (key === undefined) return [{ name, ok: 'weak', says: `${keys} holds no specialist's key to try`, remedy: 'run doctor where brigade nats config left all keys' }];
  const specialist = await openConnection({ url, keyFile: join(keys, key), name: 'brigade-doctor', role: 'specialist' });
  try {
    void (async () => { for await (const _ of specialist.status()) { /* what it may not is no news */ } })();
    const run = `doctor-${randomBytes(6).toString('hex')}`;
    const [fact, other, asked] = [`brigade.evt.${run}.trial.result.t0001`, `brigade.evt.${run}.trial.result.t0002`, `brigade.cmd.broker.propose.${run}`];
    const reached = new Set<string>();
    const hear = (who: NatsConnection, subject: string, found: (reply: string | undefined) => string | null): void => {
      who.subscribe(subject, { callback: (error, message) => { const what = error ? null : found(message.reply); if (what !== null) reached.add(what); } });
    };
    hear(operator, fact, () => 'write them');
    hear(operator, other, () => 'have a server write them');
    const bearer = /^specialist-(.+)\.nk$/.exec(key)?.[1] ?? null;
    const own = bearer === null ? asked : underName(asked, bearer);
    const others = bearer === null ? [] : [asked, underName(asked, 'another')];
    hear(operator, own, (reply) => (reply === other ? 'have whoever answers it write them' : null));
    for (const each of others) hear(operator, each, () => FOR_ANOTHER);
    hear(specialist, `brigade.evt.${run}.>`, () => 'hear them');
    await Promise.all([operator.flush(), specialist.flush()]);
    specialist.publish(fact, '{}');
    specialist.publish(own, '{}', { reply: other });
    for (const each of others) specialist.publish(each, '{}');
    specialist.publish('$JS.API.INFO', '', { reply: other });
    if (existsSync(join(keys, 'supervisor.nk'))) {
      const supervisor = await openConnection({ url, keyFile: join(keys, 'supervisor.nk'), name: 'brigade-doctor', role: 'supervisor' });
      supervisor.publish(`brigade.evt.${run}.trial.result.t0003`, '{}');
      await supervisor.flush();
      await supervisor.close();
    }
    await specialist.flush();
    if (await specialist.request('$JS.API.STREAM.NAMES', '', { timeout: ASK_MS / 2 }).then(() => true, () => false)) reached.add('ask for them');
    await Promise.all([operator.flush(), specialist.flush()]);
    const speaks = reached.delete(FOR_ANOTHER) ? [bad(name, `the key ${key} can speak for another specialist`, CONFIGURE)] : [];
    return [...speaks, reached.size === 0 ? fine(name, `${key} can neither write, hear nor ask for facts, nor have anybody say one`)
      : bad(name, `the key ${key} reaches the facts: it can ${[...reached].sort().join(', ')}`, `${CONFIGURE}: facts need an account that specialists are not in`)];
  } finally {
    await specialist.close();
  }
}
