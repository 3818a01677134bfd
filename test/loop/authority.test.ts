import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { patches } from '../../src/adapters/patches/index.ts';
import { loadEvaluator, loadSurface } from '../../src/adapters/surfaces/index.ts';
import { NO_LIMITS } from '../../src/domain/budget.ts';
import type { Fact, RunStarted } from '../../src/domain/fact.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import { ProposeTrial } from '../../src/protocols/trial.ts';
import { authority, type Authority } from '../support/authority.ts';
import { openProject, type Done, type Project, type Running } from '../support/program.ts';

// A whole run under the configuration that `brigade nats config` makes: every daemon a process of its own with its own key and nothing else, over TLS that asks for its
// certificate where openssl is to be had. In the environment of each lies a secret that nobody has any business with.

const RUN = 'guarded';
const SPECIALISTS = ['optimizer', 'architecture', 'data', 'kernel'];
const canaryOf = (who: string): string => `canary-${who}-never-to-be-seen`;

/** Says on its way out everything a recipe can see of its surroundings. */
const SPY = '    import os\n    raise RuntimeError(repr([open(f"/proc/{p}/environ").read() for p in ("self", "1")]) + repr(sorted(os.environ.items())))';

function hasOpenssl(): boolean {
  try { execFileSync('openssl', ['version'], { stdio: 'ignore' }); return true; } catch { return false; }
}
const isTls = hasOpenssl();
if (!isTls) process.stderr.write('openssl is not here: the guarded run goes without TLS\n');

let nats: Authority;
let project: Project;
const daemons = new Map<string, Running>();
const ended = new Map<string, Done>();
const facts: Fact[] = [];
const stored: { readonly subject: string; readonly bytes: Uint8Array }[] = [];

/** A folder with one user's key, and what of certificates is its own. */
async function ownKeys(user: string): Promise<string> {
  const dir = join(project.root, 'keys', user);
  await mkdir(dir, { recursive: true });
  for (const name of [`${user}.nk`, ...(isTls ? [`${user}.crt`, `${user}.key`, 'ca.crt'] : [])]) await cp(join(nats.keys, name), join(dir, name));
  return dir;
}

async function start(user: string, args: readonly string[]): Promise<void> {
  daemons.set(user, project.start([...args, '--run', RUN, '--surface', 'tiny', '--nats', nats.url, '--keys', await ownKeys(user)], { SECRET_OF_A_DAEMON: canaryOf(user) }));
}

beforeAll(async () => {
  [nats, project] = await Promise.all([authority(['--surface', 'tiny', '--node', 'atlas', ...(isTls ? ['--tls'] : [])]), openProject()]);
  const surface = await loadSurface(project.root, 'tiny');
  const evaluator = await loadEvaluator(project.root, surface.evaluator, { dataDir: join(project.root, '.brigade', 'data') });
  const supervisor = await nats.session('supervisor');
  expect(await supervisor.ensureRun(RUN)).toEqual({ kind: 'durable' });
  const started: RunStarted = {
    surface: 'tiny', surfaceHash: surface.hash, evaluator: surface.evaluator, evaluatorHash: evaluator.hash, objective: evaluator.objective,
    snapshot: await supervisor.blobs(RUN).put(new TextEncoder().encode(canonicalRecipe(surface.recipe))), roster: SPECIALISTS,
    arm: { kind: 'specialists', agents: 4, ownership: 'enforced', lineage: true }, proposer: 'search', seed: 0, keep: { kind: 'strict', alpha: 0.01, replicates: 2 },
    limits: { ...NO_LIMITS, trials: 5 }, calibrationReplicates: 2, slotsPerReplicate: 1, leaseTtlMs: 30_000, brigade: 'test',
  };
  const journal = supervisor.journal(RUN);
  await journal.record('run.started', [], started);
  const until = async (word: Fact['word']): Promise<void> => { for await (const fact of journal.follow({ after: 0 })) if (fact.word === word) return; };

  await start('broker', ['broker']);
  await start('lineage', ['keeper']);
  await start('evaluator-atlas', ['evaluator', '--node', 'atlas', '--slots', '1']);
  const died = Promise.race([...daemons].map(async ([who, daemon]) => { const done = await daemon.ended; throw new Error(`${who} ended with ${done.code}: ${done.err}`); }));
  died.catch(() => undefined);
  await Promise.race([until('run.best'), died]);
  const data = surface.recipe['data.py'] ?? '';
  const patch = patches.diff(surface.recipe, { ...surface.recipe, 'data.py': data.replace('    chosen = list(points[:POINTS])', SPY) });
  const spy = await (await nats.session('specialist-data')).bus.ask(ProposeTrial, { run: RUN }, { clientId: 'spy', feedback: null, proposal: {
    specialist: 'data', parent: 't0000', asOf: 1, hypothesis: 'what can a recipe see of its surroundings', expectedDelta: -0.1, patch, parts: [], proposer: { kind: 'operator', strategy: 'spy', moves: [] }, tokens: 0, money: 0,
  } }, { timeoutMs: 60_000 });
  expect(spy).toEqual({ kind: 'admitted', trial: 't0001' });
  for (const specialist of SPECIALISTS) await start(`specialist-${specialist}`, ['specialist', '--domain', specialist]);
  await Promise.race([until('run.stopped'), died]);
  for (const daemon of daemons.values()) daemon.signal('SIGTERM');
  for (const [user, daemon] of daemons) ended.set(user, await daemon.ended);
  for await (const fact of journal.follow({ after: 0, until: await journal.position() })) facts.push(fact);
  const jsm = await jetstreamManager(await nats.client('supervisor') as never);
  for (const stream of [`BRIGADE_EVT_${RUN}`, `OBJ_BRIGADE_BLOBS_${RUN}`]) {
    const { state } = await jsm.streams.info(stream);
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await jsm.streams.getMessage(stream, { seq }).catch(() => null); // replaced meanwhile
      if (message) stored.push({ subject: message.subject, bytes: message.data });
    }
  }
}, 900_000);

afterAll(async () => { await project?.[Symbol.asyncDispose](); await nats?.[Symbol.asyncDispose](); }, 240_000);

test('the run comes to its end with every trial decided, and every daemon goes when it is told to', () => {
  expect([...ended].map(([user, { code }]) => `${user} ${code}`).filter((line) => !line.endsWith(' 0')), [...ended.values()].map(({ err }) => err.slice(-400)).join('\n')).toEqual([]);
  const results = facts.flatMap((fact) => (fact.word === 'trial.result' ? [fact.ids[0]] : []));
  expect(results.sort()).toEqual(['t0000', 't0001', 't0002', 't0003', 't0004', 't0005']);
  expect(facts.find((fact) => fact.word === 'run.stopped')?.body).toMatchObject({ reason: expect.stringMatching(/trial limit of 5/) });
});

test('each daemon came in with its own key, specialists into an account that holds no fact', async () => {
  const page = await (await fetch(`${nats.monitorUrl}/connz?auth=true&state=all&limit=1000`)).json() as { connections: { name?: string; account?: string; authorized_user?: string; nkey?: string }[] };
  const config = await readFile(join(nats.dir, 'n1.conf'), 'utf8');
  const called = (key: string): string => new RegExp(`\\{nkey: ${key},.*# (\\S+)$`, 'm').exec(config)?.[1] ?? key;
  const seen = page.connections.flatMap(({ name = '', account = '', authorized_user: user = '', nkey = '' }) => {
    const pid = Number(name.split('-').at(-1));
    const daemon = [...daemons].find(([, running]) => running.pid === pid)?.[0];
    return daemon === undefined ? [] : [`${daemon}: ${called(nkey || user)} in ${account}`];
  });
  expect([...new Set(seen)].sort()).toEqual([
    'broker: broker in CORE', 'evaluator-atlas: evaluator-atlas in CORE', 'lineage: lineage in CORE',
    ...[...SPECIALISTS].sort().map((each) => `specialist-${each}: specialist-${each} in SPEC`),
  ]);
});

test('no daemon wanted what its key does not let it have', () => {
  for (const [user, { err }] of ended) expect(err.split('\n').filter((line) => /permission/i.test(line)), user).toEqual([]);
});

test('a recipe that looks around in the sandbox of a node finds nothing of the node’s environment', () => {
  const result = facts.find((fact) => fact.word === 'trial.result' && fact.ids[0] === 't0001');
  expect(JSON.stringify(result?.body)).toContain('RuntimeError'); // it did look around
  expect(JSON.stringify(result?.body)).toContain('BRIGADE_SEED');
  expect(JSON.stringify(result?.body)).not.toContain('never-to-be-seen');
});

test('no fact, no blob, no log and no file of the run holds what lay in a daemon’s environment', async () => {
  expect(stored.length).toBeGreaterThan(facts.length);
  const holds = (where: string, bytes: Uint8Array): string[] => (Buffer.from(bytes).includes('never-to-be-seen') ? [where] : []);
  const found = stored.flatMap(({ subject, bytes }) => holds(subject, bytes));
  for (const [user, { out, err }] of ended) found.push(...holds(`the log of ${user}`, Buffer.from(`${out}${err}`)));
  for (const entry of await readdir(project.runs, { recursive: true, withFileTypes: true })) if (entry.isFile()) found.push(...holds(entry.name, await readFile(join(entry.parentPath, entry.name))));
  expect(found).toEqual([]);
});
