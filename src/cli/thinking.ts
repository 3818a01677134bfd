import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadThinking, type Proposer } from '../actors/specialist/index.ts';
import { patches } from '../adapters/patches/index.ts';
import { loadEvaluator, type LoadedSurface } from '../adapters/surfaces/index.ts';
import type { Setting } from '../domain/prompt.ts';
import type { RunId } from '../domain/ids.ts';
import { NoAnswer, type Ports } from '../ports.ts';
import { ReadRules } from '../protocols/lineage.ts';
import { openModelOf, type ModelSettings } from './models.ts';
import { dataDir, runDir, type Place } from './place.ts';

const ASK_MS = 5_000;
const AGAIN_MS = 500;

/** What one thinking specialist is started with. */
export interface ThinkingDaemon { readonly run: RunId; readonly specialist: string; readonly lineage: boolean; readonly surface: LoadedSurface; readonly ports: Ports; readonly signal: AbortSignal; readonly settings: ModelSettings }

/** The proposer of one specialist that thinks with a model, and the store of its open session. */
export async function thinkerOf(place: Place, { run, specialist, lineage, surface, ports, signal, settings }: ThinkingDaemon): Promise<{ readonly proposer: Proposer } & AsyncDisposable> {
  const model = await openModelOf(settings);
  const [{ openBursar, openErrands, llmProposer, again }, { openSessionStore }] = await Promise.all([loadThinking(), import('../adapters/sessions/index.ts')]);
  const rules = await rulesOf(run, ports, signal);
  const spec = await loadEvaluator(place.root, surface.evaluator, { dataDir: dataDir(place) });
  const store = await openSessionStore(join(runDir(place, run), 'sessions', `${specialist}.lmdb`));
  if (store.notice !== null) ports.presence.log('warn', store.notice, { run });
  const setting: Setting = {
    surface, spec, slots: surface.slots, knowledge: await knowledgeOf(surface.dir), roster: surface.roster, claims: surface.claims, addable: surface.addable,
    ownership: surface.advisory.includes(specialist) ? 'advisory' : rules.ownership, keep: rules.keep, lineage: lineage && rules.lineage,
  };
  return {
    proposer: llmProposer(
      { model, store, clock: ports.clock, presence: ports.presence, patches, bursar: openBursar(ports.bus, { run, specialist, model: model.name, budget: settings.budget }), errands: openErrands(ports.bus, { run, specialist, signal }) },
      { run, specialist, setting, limits: settings.limits, newName: randomUUID, restMs: (failure, failures) => again(failure, failures, Math.random()) },
    ),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** What the run holds its specialists to; asked until the keeper is there, which starts beside everybody else. */
async function rulesOf(run: RunId, { bus, clock }: Ports, signal: AbortSignal): Promise<Pick<Setting, 'keep' | 'ownership' | 'lineage'>> {
  for (;;) {
    const { rules } = await bus.ask(ReadRules, { run }, {}, { timeoutMs: ASK_MS, signal }).catch((error: unknown) => { if (error instanceof NoAnswer && !signal.aborted) return { rules: null }; throw error; });
    if (rules) return rules;
    await clock.wait(AGAIN_MS, signal);
  }
}

/** What a surface's own pages say of it. */
async function knowledgeOf(dir: string): Promise<Setting['knowledge']> {
  const names = (await readdir(join(dir, 'knowledge')).catch(() => [])).filter((name) => name.endsWith('.md')).sort();
  return Promise.all(names.map(async (name) => ({ name: name.slice(0, -'.md'.length), text: await readFile(join(dir, 'knowledge', name), 'utf8') })));
}
