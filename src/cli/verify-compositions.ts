import { isDeepStrictEqual } from 'node:util';
import { loadSurface, type LoadedSurface } from '../adapters/surfaces/index.ts';
import { openParser } from '../adapters/python/index.ts';
import { readRecipe } from '../adapters/report/index.ts';
import { compose, describeConflict, type Change } from '../domain/compose.ts';
import { ownerOf } from '../domain/claim.ts';
import { COMPOSER } from '../domain/components.ts';
import type { Lineage, TrialRow } from '../domain/lineage.ts';
import { changedSymbols } from '../domain/partition.ts';
import { moduleStatements } from '../domain/parts.ts';
import { MODULE, type SymbolTable } from '../domain/symbol.ts';
import { componentsOf } from '../domain/worth.ts';
import type { OpenRun } from './opening.ts';
import { readingOf } from './recipe-reading.ts';

// Whether a merged trial is what its parts make.
//
//   V1. A composer owns nothing: what it says was measured is the merge, to the byte.
//   V2. A specialist may lay its merge out otherwise, leave things out, and change what is its own besides. Of what is another's, all is as the merge has
//       it, or its parent, or one of its parts.
//   V3. Where owners are only told, it may change anything.

/** One composed trial, merged again from what it names; `why` is null when that is the recipe that was measured. */
export interface CompositionProof { readonly trial: string; readonly why: string | null }

/**
 * Merges every trial that names parts again from its parent and those parts, divided as the run's roster divides them; null when the surface is not
 * there as it was, which settles nothing. `roster` is what the run's folder says, for a run whose journal does not name it yet.
 */
export async function proveCompositions(root: string, { lineage, blobs }: Pick<OpenRun, 'lineage' | 'blobs'>, roster: string | null): Promise<CompositionProof[] | null> {
  const composed = [...lineage.trials.values()].filter((row) => row.proposal.parts.length > 0 && row.snapshot !== null);
  if (composed.length === 0) return [];
  const surface = await loadSurface(root, lineage.started?.surface ?? '', null, { roster: lineage.started?.rosterName ?? roster }).catch(() => null);
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
  const reading = readingOf(surface.claims, { symbols });
  const [before, said] = [await recipeOf(row.proposal.parent), await recipeOf(row.trial)];
  const again = compose(before, changes, reading);
  if (row.proposal.specialist === COMPOSER) { // V1
    if (again.kind === 'conflict') return again.conflicts.map(describeConflict).join('; ');
    return isDeepStrictEqual(again.recipe, said) ? null : 'its parts merge to another recipe';
  }
  if (lineage.started?.arm.ownership === 'advisory' || surface.advisory.includes(row.proposal.specialist)) return null; // V3
  const sources = [...(again.kind === 'composed' ? [again.recipe] : []), before, ...await Promise.all(row.proposal.parts.map(recipeOf))].map(reading.divided);
  const own = reading.divided(said);
  const strange = Object.keys({ ...before, ...said }).flatMap((file) => changedSymbols(sources[0]?.[file] ?? null, own[file] ?? null).filter(({ name, change }) => // V2
    change !== 'added' && ownerOf(surface.claims, file, name) !== row.proposal.specialist && !sources.some((source) => textOf(source[file], name) === textOf(own[file], name)) && !(name === MODULE && isGathered(own[file], sources.map((source) => source[file])))).map(({ name }) => `\`${name}\` in ${file}`));
  return strange.length === 0 ? null : `${strange.join(', ')}: as none of its parts has it, and not its author’s`;
}

/** Nameless statements, imports above all, come from several parts: each by itself is in one of them. */
const isGathered = (own: SymbolTable | undefined, sources: readonly (SymbolTable | undefined)[]): boolean =>
  own !== undefined && moduleStatements(own).every(({ text }) => sources.some((source) => source !== undefined && moduleStatements(source).some((piece) => piece.text === text)));

const textOf = (table: SymbolTable | undefined, name: string): string | null => table?.symbols.find((symbol) => symbol.name === name)?.text ?? null;
