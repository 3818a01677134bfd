import type { Stored } from '../domain/damage.ts';

// What a keeper asks of the servers that keep a journal: each one's own copy, not what they agree on.

/** The copies of one run's journal, one on each server that keeps it. */
export interface Copies {
  /** The servers that keep a copy, and how each stands by what the one that leads says. */
  servers(): Promise<readonly { readonly name: string; readonly standing: 'current' | 'behind' | 'away' }[]>;
  /** Opens the copy of one of these servers after a position; null when none of them serves it now. */
  open(options: { readonly among: readonly string[]; readonly after: number }): Promise<Copy | null>;
}

/** One server's copy, read in order. */
export interface Copy extends AsyncDisposable {
  readonly server: string;
  /** What lies at the next positions that are there: fewer than asked when there are no more. */
  next(most: number): Promise<readonly Stored[]>;
}

/** A journal lacks what it held. Whoever goes on would judge by less than was recorded, so nobody does. */
export class JournalDamaged extends Error {
  readonly run: string;
  constructor(run: string, what: string) {
    super(`the journal of ${run} is damaged: ${what}. Stop the run, and on its keeper's machine put back what the keeper read: brigade runs restore ${run}`);
    this.name = 'JournalDamaged';
    this.run = run;
  }
}
