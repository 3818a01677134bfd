import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEvaluator, type Evaluator, type EvaluatorOptions } from '../../src/actors/evaluator/index.ts';
import { openClock } from '../../src/adapters/clock/index.ts';
import { memoryPorts } from '../../src/adapters/memory/index.ts';
import { openSandbox } from '../../src/adapters/sandbox/index.ts';
import { createSigner } from '../../src/adapters/signature/index.ts';
import { loadEvaluator, loadSurface } from '../../src/adapters/surfaces/index.ts';
import { openWorkbench } from '../../src/adapters/workbench/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { Lease, Measurement } from '../../src/domain/measurement.ts';
import { canonicalRecipe, type Recipe } from '../../src/domain/recipe.ts';
import type { EvaluatorSpec } from '../../src/domain/surface.ts';
import type { Devices, Sandbox, Signer, Workbench } from '../../src/ports.ts';
import { RenewLease } from '../../src/protocols/trial.ts';

// A node on a real sandbox, with a journal in memory and a broker that renews what it is told to.

export const root = join(import.meta.dirname, '..', '..');
export const python = join(root, '.brigade', 'python', 'bin', 'python');
const bwrap = ['/usr/bin/bwrap', '/bin/bwrap', '/usr/local/bin/bwrap'].find((path) => existsSync(path)) ?? null;

/** What a node has that is not a core for each of its slots. */
export interface Machine { readonly offered?: EvaluatorOptions['slots']; readonly devices?: Devices; readonly cleanMs?: number }

export interface Rig extends AsyncDisposable {
  readonly ports: ReturnType<typeof memoryPorts>;
  readonly dir: string;
  readonly sandbox: Sandbox;
  readonly workbench: Workbench;
  /** Opens the node's workbench as another start of it would. */
  openWorkbench(): Promise<Workbench>;
  readonly spec: EvaluatorSpec;
  readonly baseline: Recipe;
  readonly signer: Signer;
  /** What the broker answers to renewals, by `trial.replicate.attempt`; `renewed` unless set. */
  readonly answers: Map<string, 'renewed' | 'lapsed'>;
  start(options?: { slots?: number; signal?: AbortSignal; boot?: string } & Machine): Promise<Evaluator>;
  lease(trial: string, recipe: Recipe, options?: Partial<Lease>): Promise<void>;
  /** The first fact that satisfies, past or to come. */
  fact(test: (fact: Fact) => boolean): Promise<Fact>;
  measured(trial: string, replicate?: string): Promise<Measurement>;
  facts(): Promise<Fact[]>;
}

export async function rig(name: string, { canaries = [], spec: override = {} }: { canaries?: EvaluatorSpec['canaries'] | 'declared'; spec?: Partial<EvaluatorSpec> } = {}): Promise<Rig> {
  const dir = await mkdtemp(join(tmpdir(), 'brigade-node-'));
  const surface = await loadSurface(root, name);
  const declared = await loadEvaluator(root, name, { dataDir: join(root, '.brigade', 'data') });
  const spec = { ...declared, canaries: canaries === 'declared' ? declared.canaries : canaries, ...override };
  const baseline = surface.recipe;
  const clock = openClock();
  const ports = memoryPorts('run', clock);
  const sandbox = await openSandbox({ python, interpreter: spec.python, bwrap, level: 'best', scratchRoot: join(dir, 'sandbox'), locks: join(dir, 'locks') });
  const another = () => openWorkbench({
    python, evaluatorDir: join(root, 'evaluators', name), dataDir: join(root, '.brigade', 'data', name), workDir: join(dir, 'work'), canaryDir: join(dir, 'canaries'),
    spec, pinned: declared.pinned, surfaceHash: surface.hash, baseline, sandbox: sandbox.level,
  });
  const workbench = await another();
  const answers = new Map<string, 'renewed' | 'lapsed'>();
  ports.bus.serve(RenewLease, {}, ({ trial, replicate, attempt }) => ({ kind: answers.get(`${trial}.${replicate}.${attempt}`) ?? 'renewed' }));
  const signer = createSigner();
  const started: Evaluator[] = [];
  const ended = new AbortController();
  const fact = async (test: (fact: Fact) => boolean): Promise<Fact> => {
    for await (const one of ports.journal.follow({ after: 0, signal: ended.signal })) if (test(one)) return one;
    throw new Error('the rig ended first');
  };
  return {
    ports, dir, sandbox, workbench, openWorkbench: another, spec, baseline, signer, answers, fact,
    async start({ slots = 1, signal = new AbortController().signal, boot, offered, devices, cleanMs } = {}) {
      const evaluator = await startEvaluator(ports, { sandbox, workbench, signer, ...(devices === undefined ? {} : { devices }) }, {
        node: 'atlas', surface, spec, signal, ...(boot === undefined ? {} : { boot }), ...(cleanMs === undefined ? {} : { cleanMs }),
        slots: offered ?? Array.from({ length: slots }, (_, k) => ({ slot: `cpu${k}`, kind: 'cpu' as const, memoryBytes: 2 ** 30, cores: [k] })),
      });
      started.push(evaluator);
      return evaluator;
    },
    async lease(trial, recipe, options = {}) {
      const lease: Lease = { trial, replicate: 's1', attempt: 1, node: 'atlas', slots: ['cpu0'], purpose: 'search', ttlMs: 30_000, snapshot: await ports.blobs.put(new TextEncoder().encode(canonicalRecipe(recipe))), ...options };
      await ports.journal.record('lease.granted', [trial, lease.replicate, String(lease.attempt)], lease);
    },
    async measured(trial, replicate = 's1') {
      const found = await fact((one) => one.word === 'trial.measured' && one.ids[0] === trial && one.ids[1] === replicate);
      if (found.word !== 'trial.measured') throw new Error('not a measurement');
      return found.body.measurement;
    },
    async facts() {
      const position = await ports.journal.position();
      const all: Fact[] = [];
      const stop = new AbortController();
      if (position > 0) for await (const one of ports.journal.follow({ after: 0, signal: stop.signal })) { all.push(one); if (one.seq >= position) break; }
      return all;
    },
    async [Symbol.asyncDispose]() {
      for (const evaluator of started) await evaluator[Symbol.asyncDispose]();
      ended.abort(new Error('the rig ended'));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The baseline with some text of one file replaced; throws when the text is not there. */
export function edit(recipe: Recipe, file: string, from: string, to: string): Recipe {
  const before = recipe[file] ?? '';
  if (!before.includes(from)) throw new Error(`${file} has no ${from}`);
  return { ...recipe, [file]: before.replace(from, to) };
}

/** Leases that the node gave up, as it said. */
export const lostBy = (node: Rig) => node.ports.presence.logged.filter(({ message }) => message === 'a slot gave up what it was leased').map(({ fields }) => fields);
