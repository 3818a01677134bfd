import { composeProposer, startSpecialist, type ComposeStrategy } from '../actors/specialist/index.ts';
import { patches } from '../adapters/patches/index.ts';
import { openSyntax } from '../adapters/python/index.ts';
import { loadEvaluator, loadSurface } from '../adapters/surfaces/index.ts';
import { findToolchain, projectRoot } from '../adapters/toolchain/index.ts';
import { COMPOSER } from '../domain/components.ts';
import type { RunId } from '../domain/ids.ts';
import type { Ports } from '../ports.ts';
import { Mistake } from './mistake.ts';
import { dataDir, type Place } from './place.ts';
import { readingOf } from './recipe-reading.ts';

export interface ComposerDaemon {
  readonly run: RunId; readonly surface: string; readonly roster: string | null; readonly ports: Ports; readonly signal: AbortSignal;
  readonly strategy: ComposeStrategy; readonly whole: boolean; readonly concurrent: number;
}

/** The author that changes nothing itself: it puts together what specialists had kept apart. */
export async function composerOf(place: Place, { run, surface: name, roster, ports, signal, strategy, whole, concurrent }: ComposerDaemon): Promise<{ readonly done: Promise<void> } & AsyncDisposable> {
  const toolchain = await findToolchain(projectRoot());
  const surface = await loadSurface(place.root, name, null, { roster });
  if (surface.roster.some(({ specialist }) => specialist === COMPOSER)) throw new Mistake(`surfaces/${name} has a specialist called ${COMPOSER}, which is the name of whoever composes: give it another`);
  const { objective } = await loadEvaluator(place.root, surface.evaluator, { dataDir: dataDir(place) });
  const syntax = await openSyntax({ python: toolchain.python });
  const proposer = composeProposer({ strategy, whole, objective, reading: readingOf(surface.claims, syntax) }, { patches });
  const actor = startSpecialist(ports, { proposer }, { run, specialist: COMPOSER, lineage: true, concurrent, signal });
  return {
    done: actor.done,
    async [Symbol.asyncDispose]() { await actor[Symbol.asyncDispose](); await syntax[Symbol.asyncDispose](); },
  };
}
