import { openProposer, startSpecialist, type ProposerKind } from '../actors/specialist/index.ts';
import { findOptuna, openOptuna } from '../adapters/optuna/index.ts';
import { patches } from '../adapters/patches/index.ts';
import { openSyntax } from '../adapters/python/index.ts';
import { loadEvaluator, loadSurface } from '../adapters/surfaces/index.ts';
import { findToolchain, projectRoot } from '../adapters/toolchain/index.ts';
import type { RunId } from '../domain/ids.ts';
import { ownerOf } from '../domain/partition.ts';
import type { Ports } from '../ports.ts';
import { loadLibrary } from './library.ts';
import { Mistake } from './mistake.ts';
import { settingsFor, type ModelFlags } from './models-flags.ts';
import { dataDir, type Place } from './place.ts';
import type { ThinkingDaemon } from './thinking.ts';

export interface SpecialistDaemon {
  readonly run: RunId; readonly surface: string; readonly roster: string | null;
  /** Who takes part in the run, where its folder says so. */
  readonly agents: readonly string[] | null;
  readonly ports: Ports; readonly signal: AbortSignal;
  /** What it thinks with where the proposer is `llm`, as its flags say; else the run's folder says it. */
  readonly models: ModelFlags;
  readonly specialist: string; readonly proposer: ProposerKind | 'llm'; readonly seed: number; readonly lineage: boolean; readonly concurrent: number;
}

/** Agents of the arms without specialists: each works on every partition. */
const GENERALIST = /^generalist(-\d+)?$/;

/** One specialist of the surface's roster, or a generalist, with its proposer. Throws `Mistake` for any other name. */
export async function specialistOf(place: Place, { run, surface: name, roster: chosen, agents, ports, signal, specialist, proposer: kind, seed, lineage, concurrent, models }: SpecialistDaemon): Promise<{ readonly done: Promise<void> } & AsyncDisposable> {
  const toolchain = await findToolchain(projectRoot());
  const surface = await loadSurface(place.root, name, null, { roster: chosen });
  const roster = surface.roster.map((brief) => brief.specialist);
  if (!roster.includes(specialist) && !GENERALIST.test(specialist)) throw new Mistake(`--domain ${specialist} is no specialist of ${name}: give one of ${roster.join(', ')}, or generalist`);
  if (agents !== null && !agents.includes(specialist)) throw new Mistake(`--domain ${specialist} has no part in ${run}: give one of ${agents.join(', ')}, or start a run of another --arm`);
  if (kind === 'llm') return thinking(place, { run, specialist, lineage, surface, ports, signal, settings: await settingsFor(place, run, specialist, models) });
  const optuna = kind === 'tpe' ? requireOptuna() : null;
  const { objective } = await loadEvaluator(place.root, surface.evaluator, { dataDir: dataDir(place) });
  const syntax = await openSyntax({ python: toolchain.python });
  const roles = roster.includes(specialist) && !surface.advisory.includes(specialist) ? [specialist] : roster;
  const proposer = openProposer(kind, {
    seed, specialist, roles, objective, lineage, baseline: surface.recipe, library: await loadLibrary(surface.dir, syntax, surface.rosterName),
    owns: (file, symbol) => roles.includes(ownerOf(surface.claims, file, symbol) ?? ''),
  }, { syntax, patches, sampler: optuna === null ? null : openOptuna(optuna) });
  const actor = startSpecialist(ports, { proposer }, { run, specialist, lineage, concurrent, signal });
  return {
    done: actor.done,
    async [Symbol.asyncDispose]() { await actor[Symbol.asyncDispose](); await syntax[Symbol.asyncDispose](); },
  };
}

/** A specialist that thinks with a model: one session, and so one trial, at a time. What that takes is loaded only here. */
async function thinking(place: Place, given: ThinkingDaemon): Promise<{ readonly done: Promise<void> } & AsyncDisposable> {
  const { thinkerOf } = await import('./thinking.ts');
  const { run, specialist, lineage, ports, signal } = given;
  const thinker = await thinkerOf(place, given);
  const actor = startSpecialist(ports, { proposer: thinker.proposer }, { run, specialist, lineage, concurrent: 1, signal });
  return {
    done: actor.done,
    async [Symbol.asyncDispose]() { await actor[Symbol.asyncDispose](); await thinker[Symbol.asyncDispose](); },
  };
}

/** The interpreter that asks Optuna; throws `Mistake` with the remedy where it was not installed. */
export function requireOptuna(): string {
  const python = findOptuna(projectRoot());
  if (python === null) throw new Mistake('--proposer tpe asks Optuna, which is not installed here: npm run rivals installs it');
  return python;
}
