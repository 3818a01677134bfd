import type { Fact } from '../../../src/domain/fact.ts';
import type { StreamState } from '../cluster.ts';
import type { Entry } from '../history.ts';

/** What invariants are checked against: what was seen, what the journal holds now, and, at the end, what lies on the hosts. */
export interface Evidence {
  readonly run: string;
  readonly entries: readonly Entry[];
  readonly facts: readonly Fact[];
  /** How long after a fault was healed the run may take to go on. */
  readonly resumeMs: number;
  /** null while the run goes on. */
  readonly boxes: Boxes | null;
}

export interface Boxes {
  /** The journal's figures, as each server told them while it led. */
  readonly streams: readonly StreamState[];
  /** Of each server: everything it holds of the journal; null when it could not be made to tell. */
  readonly copies: readonly { readonly server: string; readonly facts: readonly Fact[] | null }[];
  /** Of each keeper's cache: how far it is, and its chain. */
  readonly caches: readonly { readonly daemon: string; readonly applied: number; readonly chain: string }[];
  /** Processes, groups and folders of measurements that nobody needs any more. */
  readonly left: readonly string[];
  /** Where the secret was found. */
  readonly leaks: readonly string[];
  readonly logBytes: Readonly<Record<string, number>>;
}

/** One promise of the map, and a way to see it broken. Answers a sentence for each way it was. */
export interface Invariant {
  readonly id: string;
  readonly says: string;
  check(evidence: Evidence): string[];
}
