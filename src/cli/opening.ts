import type { Fact } from '../domain/fact.ts';
import type { RunId } from '../domain/ids.ts';
import type { Lineage } from '../domain/lineage.ts';
import type { Recipe } from '../domain/recipe.ts';
import type { Blobs, Bus } from '../ports.ts';

/** A run as a command reads it, live or ended. */
export interface OpenRun {
  readonly run: RunId;
  /** The run's folder, `runs/<run>`. */
  readonly dir: string;
  /** Everything folded up to the moment of opening; `follow` grows it. */
  readonly lineage: Lineage;
  readonly blobs: Pick<Blobs, 'get'>;
  /** The facts behind `lineage`, in journal order. */
  readonly facts: readonly Fact[];
  /** null when nobody is running it any more. */
  readonly bus: Bus | null;
  /** The evaluator's columns of results.tsv between `status` and `job_name`. */
  readonly columns: readonly string[];
  /** Files of the surface that make a recipe run by itself, added to `best/`; empty when there are none. */
  readonly standalone: Recipe;
  /** Facts after the moment of opening, each already grown into `lineage`; ends at once for a run that nobody runs. */
  follow(signal: AbortSignal): AsyncIterable<Fact>;
  close(): Promise<void>;
}

/** Opens a run by name, or the newest one when no name is given. Throws `Mistake` naming the nearest when there is no such run. */
export type OpenRunByName = (run: string | undefined) => Promise<OpenRun>;
