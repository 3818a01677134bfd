import { BASELINE } from '../ids.ts';
import type { RunRecord } from './record.ts';

// Who built on whom.
//
//   E1. An edge leads from a trial to its parent, where the parent is itself a trial: what stands on the baseline builds on nobody, and is no edge.
//   E2. An edge crosses roles when the two were proposed by different specialists. A parent whose author cannot be read makes no edge.

/** How specialists took up one another's work. */
export interface Edges {
  /** Trials on a trial, and those of them on another specialist's. */
  readonly parents: { readonly all: number; readonly cross: number };
  /** The same of kept trials. */
  readonly keeps: { readonly all: number; readonly cross: number };
  /** Distinct trials, other than the baseline, that somebody built on. */
  readonly heads: number;
  readonly specialistsWithKeep: number;
  readonly specialists: number;
  /** Trials whose domain is the architecture's by its own name, damaged rows included, whatever they say they do. */
  readonly architecture: number;
}

/** What the architecture's domain is called, here and in the reference. */
const ARCHITECTURE: ReadonlySet<string> = new Set(['architecture', 'arch']);

/** Counts parent and keep edges, the trials built on, and the specialists that had something kept. */
export function edges({ trials }: RunRecord): Edges {
  const authors = new Map(trials.map(({ trial, specialist }) => [trial, specialist]));
  const joined = trials.flatMap(({ parent, specialist, status }) => {
    const author = parent === BASELINE ? undefined : authors.get(parent);
    return author === undefined ? [] : [{ isCross: author !== specialist, isKeep: status === 'keep' }]; // E1, E2
  });
  const kept = joined.filter(({ isKeep }) => isKeep);
  return {
    parents: { all: joined.length, cross: joined.filter(({ isCross }) => isCross).length },
    keeps: { all: kept.length, cross: kept.filter(({ isCross }) => isCross).length },
    heads: new Set(trials.map(({ parent }) => parent).filter((parent) => authors.has(parent))).size,
    specialistsWithKeep: new Set(trials.filter(({ status }) => status === 'keep').map(({ specialist }) => specialist)).size,
    specialists: new Set(trials.map(({ specialist }) => specialist)).size,
    architecture: trials.filter(({ specialist }) => ARCHITECTURE.has(specialist)).length,
  };
}
