import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEvaluator } from '../../src/actors/evaluator/index.ts';
import { openClock } from '../../src/adapters/clock/index.ts';
import { memoryPorts } from '../../src/adapters/memory/index.ts';
import { openSandbox } from '../../src/adapters/sandbox/index.ts';
import { createSigner } from '../../src/adapters/signature/index.ts';
import { loadEvaluator, type LoadedEvaluator } from '../../src/adapters/surfaces/index.ts';
import { openWorkbench } from '../../src/adapters/workbench/index.ts';
import type { Lease, Measurement, Purpose } from '../../src/domain/measurement.ts';
import { canonicalRecipe, type Recipe } from '../../src/domain/recipe.ts';
import type { Surface } from '../../src/domain/surface.ts';
import { RenewLease } from '../../src/protocols/trial.ts';
import { bwrap, python } from '../adversarial/sandboxed.ts';

// A full-scale evaluator on a machine without a GPU: its own folder, its own programs and the whole evaluator actor on a real sandbox,
// with its interpreter, its data and its recipe replaced by small stand-ins of ours.

const project = join(import.meta.dirname, '..', '..');
export const standIns = join(import.meta.dirname, 'stand-ins');

/** A checkout of an upstream repository, by environment or as set-up made it; null where there is none, which is said aloud. */
export function upstream(variable: string, surface: string): string | null {
  const path = process.env[variable] ?? join(project, '.brigade', 'upstream', surface);
  if (existsSync(path)) return path;
  console.warn(`tests on the real tree of ${surface} are skipped: ${variable} names no checkout, and brigade surfaces setup ${surface} was not run here`);
  return null;
}

export interface FullScale extends AsyncDisposable {
  readonly root: string;
  readonly dataDir: string;
  readonly interpreter: string;
  /** Runs prepare.mjs as set-up does; returns what it said. */
  prepare(...args: readonly string[]): string;
  load(): Promise<LoadedEvaluator>;
  /** Measures one recipe through the evaluator actor; canaries first where they are asked for. */
  measure(recipe: Recipe, options?: { readonly purpose?: Purpose; readonly canaries?: boolean | readonly string[] }): Promise<Measurement>;
}

/** A project of its own with one full-scale evaluator. `yaml` makes it small; `packages` are stand-ins for packages that are not there. */
export function fullScale(name: string, { yaml, packages = [] }: { readonly yaml: (text: string) => string; readonly packages?: readonly string[] }): FullScale {
  const root = mkdtempSync(join(tmpdir(), `brigade-${name}-`));
  cpSync(join(project, 'evaluators', name), join(root, 'evaluators', name), { recursive: true });
  mkdirSync(join(root, 'deploy'), { recursive: true });
  cpSync(join(project, 'deploy', 'setup'), join(root, 'deploy', 'setup'), { recursive: true });
  const file = join(root, 'evaluators', name, 'evaluator.yaml');
  const environment = join(root, 'environment');
  const interpreter = join(environment, 'bin', 'python');
  execFileSync(python, ['-m', 'venv', '--without-pip', environment]);
  const site = (of: string): string => execFileSync(of, ['-I', '-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"])'], { encoding: 'utf8' }).trim();
  writeFileSync(join(site(interpreter), 'project.pth'), `${site(python)}\n`);
  for (const one of packages) cpSync(join(standIns, one), join(site(interpreter), one.split('/').at(-1) ?? one), { recursive: true });
  writeFileSync(file, yaml(readFileSync(file, 'utf8')));
  const dataDir = join(root, '.brigade', 'data');
  const load = (): Promise<LoadedEvaluator> => loadEvaluator(root, name, { dataDir });
  return {
    root, dataDir, interpreter, load,
    prepare: (...args) => execFileSync(process.execPath, [join(root, 'evaluators', name, 'prepare.mjs'), join(dataDir, name), ...args, '--python', interpreter], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
    async measure(recipe, { purpose = 'search', canaries = false } = {}) {
      const dir = mkdtempSync(join(root, 'node-'));
      const declared = await load();
      const spec = { ...declared, canaries: declared.canaries.filter(({ name: canary }) => canaries === true || (canaries !== false && canaries.includes(canary))) };
      const ports = memoryPorts('run', openClock());
      const sandbox = await openSandbox({ python, interpreter: spec.python, bwrap, level: 'best', scratchRoot: join(dir, 'sandbox') });
      const workbench = await openWorkbench({
        python, evaluatorDir: spec.dir, dataDir: join(dataDir, name), workDir: join(dir, 'work'), canaryDir: join(dir, 'canaries'), spec, pinned: spec.pinned, surfaceHash: '0', baseline: recipe, sandbox: sandbox.level,
      });
      const index = 500 + (process.pid % 400); // the user of no other test's slot
      const slot = `cpu${index}`;
      ports.bus.serve(RenewLease, {}, () => ({ kind: 'renewed' }));
      const surface: Surface = {
        name, title: name, evaluator: name, roster: [], claims: [], addable: [], slots: { kind: 'cpu', count: 1, minimumMemoryBytes: 1 }, calibrationReplicates: 2, limits: { trials: 1, wallSeconds: 1 }, hash: '0',
      };
      await using evaluator = await startEvaluator(ports, { sandbox, workbench, signer: createSigner() }, {
        node: 'atlas', surface, spec, signal: new AbortController().signal, slots: [slot, `cpu${index + 50}`].map((one) => ({ slot: one, kind: 'cpu', memoryBytes: 2 ** 30, cores: [] })), // two, so that canaries run side by side
      });
      void evaluator.done.catch(() => undefined);
      const lease: Lease = { trial: 't1', replicate: 's1', attempt: 1, node: 'atlas', slots: [slot], purpose, ttlMs: 60_000, snapshot: await ports.blobs.put(new TextEncoder().encode(canonicalRecipe(recipe))) };
      await ports.journal.record('lease.granted', ['t1', 's1', '1'], lease);
      for await (const fact of ports.journal.follow({ after: 0, signal: AbortSignal.timeout(580_000) })) {
        if (fact.word === 'trial.measured') return fact.body.measurement;
      }
      throw new Error('nothing was measured');
    },
    [Symbol.asyncDispose]: async () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A text with some of it replaced; throws where it is not there. */
export function swap(text: string, ...pairs: readonly (readonly [string | RegExp, string])[]): string {
  return pairs.reduce((current, [from, to]) => {
    const after = current.replace(from, to);
    if (after === current) throw new Error(`${String(from)} is not in the text`);
    return after;
  }, text);
}
