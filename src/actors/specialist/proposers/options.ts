import type { Objective } from '../../../domain/objective.ts';
import type { Recipe } from '../../../domain/recipe.ts';
import type { Patches, Sampler, Syntax } from '../../../ports.ts';
import type { Edit } from './moves/edit.ts';

/** What a proposer that moves by knobs and edits is opened with: its place in one run. */
export interface ProposerOptions {
  readonly seed: number;
  readonly specialist: string;
  /** Specialists whose edits it may make: itself, or all of them for an agent without a partition. */
  readonly roles: readonly string[];
  readonly owns: (file: string, symbol: string) => boolean;
  readonly objective: Objective;
  readonly baseline: Recipe;
  /** Every edit of the surface: those of others are needed to build their recipes. */
  readonly library: readonly Edit[];
  readonly lineage: boolean;
}

/** What proposers ask of the world. */
export interface ProposerPorts {
  readonly syntax: Syntax;
  readonly patches: Patches;
  /** null where none is installed. */
  readonly sampler: Sampler | null;
}
