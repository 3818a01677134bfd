import { isDeepStrictEqual } from 'node:util';
import { loadSurface, type LoadedSurface } from '../adapters/surfaces/index.ts';
import { openParser } from '../adapters/python/index.ts';
import { readRecipe } from '../adapters/report/index.ts';
import { compose, describeConflict, type Change } from '../domain/compose.ts';
import { COMPOSER } from '../domain/components.ts';
import type { Lineage, TrialRow } from '../domain/lineage.ts';
import { componentsOf } from '../domain/worth.ts';
import type { OpenRun } from './opening.ts';
import { readingOf } from './recipe-reading.ts';

/** One composed trial, merged again from what it names; `why` is null when that is the recipe that was measured. */
export interface CompositionProof { readonly trial: string; readonly why: string | null }

/**
 * Merges every trial of a composer again from its parent and its parts, divided as the run's roster divides them; null when the surface is not there
 * as it was, which settles nothing.
 */
export async function proveCompositions(root: string, { lineage, blobs }: Pick<OpenRun, 'lineage' | 'blobs'>, roster: string | null): Promise<CompositionProof[] | null> {
  const composed = [...lineage.trials.values()].filter((row) => row.proposal.specialist === COMPOSER && row.snapshot !== null);
  if (composed.length === 0) return [];
  const surface = await loadSurface(root, lineage.started?.surface ?? '', null, { roster }).catch(() => null);
  if (surface === null || surface.hash !== lineage.started?.surfaceHash) return null;
  const { symbols } = await openParser();
  const proofs: CompositionProof[] = [];
  for (const row of composed) proofs.push({ trial: row.trial, why: await wrong(row, lineage, blobs, surface, symbols) });
  return proofs;
}

async function wrong(row: TrialRow, lineage: Lineage, blobs: OpenRun['blobs'], surface: LoadedSurface, symbols: Awaited<ReturnType<typeof openParser>>['symbols']): Promise<string | null> {
  const recipeOf = (trial: string) => readRecipe(blobs, lineage.trials.get(trial)?.snapshot ?? '');
  const components = componentsOf(lineage);
  const parent = components.of(row.proposal.parent);
  const changes = await Promise.all([...components.of(row.trial)].filter((component) => !parent.has(component)).map(async (trial): Promise<Change> => ({ trial, before: await recipeOf(components.ground(trial)), after: await recipeOf(trial) })));
  const again = compose(await recipeOf(row.proposal.parent), changes, readingOf(surface.claims, { symbols }));
  if (again.kind === 'conflict') return again.conflicts.map(describeConflict).join('; ');
  return isDeepStrictEqual(again.recipe, await recipeOf(row.trial)) ? null : 'its parts merge to another recipe';
}
