import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { configure } from '../../src/cli/config.ts';
import { NO_LIMITS } from '../../src/domain/budget.ts';
import type { RunStarted } from '../../src/domain/fact.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import type { Lab } from './lab.ts';

type Surfaces = typeof import('../../src/adapters/surfaces/index.ts');
type Python = typeof import('../../src/adapters/python/index.ts');

/** The built modules: an evaluator's hash covers programs that lie beside them. */
const built = async (root: string): Promise<Surfaces & Python> => {
  const load = async <T>(adapter: string): Promise<T> => await import(pathToFileURL(`${root}/dist/adapters/${adapter}/index.js`).href) as T;
  return { ...await load<Surfaces>('surfaces'), ...await load<Python>('python') };
};

/** The evaluator that measures a surface. */
export const evaluatorOf = async (root: string, surface: string): Promise<string> => (await (await built(root)).loadSurface(root, surface)).evaluator;

/** What a run on the lab's hosts is started with; it has no limit but whoever stops it. */
export async function describeRun(program: string, root: string, surfaceName: string, { ttlSeconds, proposer, seed }: { readonly ttlSeconds: number; readonly proposer: string; readonly seed: number }): Promise<{ readonly started: Omit<RunStarted, 'snapshot'>; readonly recipe: string }> {
  const { loadSurface, loadEvaluator, openParser } = await built(program);
  const surface = await loadSurface(root, surfaceName, await openParser());
  const evaluator = await loadEvaluator(root, surface.evaluator, { dataDir: `${root}/.brigade/data` });
  const config = configure(surface, { ttl: String(ttlSeconds), proposer, seed: String(seed) });
  if (config.proposer === 'llm') throw new Error('specialists of a lab think without a model: give search or random');
  return {
    recipe: canonicalRecipe(surface.recipe),
    started: {
      surface: surfaceName, surfaceHash: surface.hash, evaluator: surface.evaluator, evaluatorHash: evaluator.hash, objective: evaluator.objective,
      roster: config.roster, arm: config.arm, proposer: config.proposer, seed, keep: config.keep, limits: NO_LIMITS,
      calibrationReplicates: config.calibrationReplicates, slotsPerReplicate: surface.slots.count, leaseTtlMs: config.leaseTtlMs, brigade: 'lab',
    },
  };
}

/** Makes the run's streams on the servers, and writes its first fact. */
export async function begin(lab: Lab, started: Omit<RunStarted, 'snapshot'>, recipe: string): Promise<void> {
  const supervisor = await lab.session('supervisor');
  for (let tries = 0; ; tries++) {
    try { await supervisor.ensureRun(lab.run); break; } catch (error) { if (tries >= 60) throw error; }
    await sleep(1_000); // three servers need a while to find one another
  }
  const snapshot = await supervisor.blobs(lab.run).put(new TextEncoder().encode(recipe));
  await supervisor.journal(lab.run).record('run.started', [], { ...started, snapshot });
}
