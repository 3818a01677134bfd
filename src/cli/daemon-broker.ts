import { join } from 'node:path';
import { openPool, startBroker, type Pool } from '../actors/broker/index.ts';
import { openTrial, weigh, weighClaim } from '../actors/trial/index.ts';
import { openCalibrations } from '../adapters/calibrations/index.ts';
import { patches } from '../adapters/patches/index.ts';
import { openSyntax } from '../adapters/python/index.ts';
import { verifySignature } from '../adapters/signature/index.ts';
import { loadSurface } from '../adapters/surfaces/index.ts';
import { findToolchain, projectRoot } from '../adapters/toolchain/index.ts';
import type { RunId } from '../domain/ids.ts';
import type { Ports } from '../ports.ts';
import { admissionOf } from './admission.ts';
import type { Place } from './place.ts';

/** The broker of one run, with everything it judges proposals and trials by; runs that are given one pool share its slots. */
export async function brokerOf(place: Place, { run, surface: name, roster, ports, signal, pool = openPool() }: { readonly run: RunId; readonly surface: string; readonly roster: string | null; readonly ports: Ports; readonly signal: AbortSignal; readonly pool?: Pool }): Promise<{ readonly done: Promise<void> } & AsyncDisposable> {
  const toolchain = await findToolchain(projectRoot());
  const surface = await loadSurface(place.root, name, null, { roster });
  const syntax = await openSyntax({ python: toolchain.python });
  const broker = await startBroker(ports, {
    admit: admissionOf(surface, { syntax, patches }),
    trials: { weigh, weighClaim, open: openTrial },
    calibrations: openCalibrations(join(place.root, '.brigade', 'calibrations')),
    verify: verifySignature,
  }, { run, signal, pool });
  return {
    done: broker.done,
    async [Symbol.asyncDispose]() { await broker[Symbol.asyncDispose](); await syntax[Symbol.asyncDispose](); },
  };
}
