import { appendFileSync } from 'node:fs';

// What happened, in the order in which this process saw it: one line of JSON each.
//
//   H1. What was asked ends as `ok`, `fail` (it surely did not happen) or `info` (nobody knows).
//   H2. Times are of one monotonic clock, in milliseconds since the history began.

export type Happening =
  | { readonly kind: 'invoke' | 'ok' | 'fail' | 'info'; readonly op: string; readonly why?: string }
  | { readonly kind: 'fact'; readonly seq: number; readonly word: string; readonly digest: string; /** When the server took it, and how long after that it was seen. */ readonly takenAt: number; readonly lateMs: number }
  | { readonly kind: 'began' | 'healed' | 'over'; readonly fault: string; readonly what: string }
  /** A group of processes of a slot was seen for the first time, or is not there any more; `at` is when it was seen first, or last. */
  | { readonly kind: 'up' | 'gone'; readonly slot: string; readonly group: string; readonly at: number }
  | { readonly kind: 'size'; readonly daemon: string; readonly residentBytes: number; readonly files: number }
  | { readonly kind: 'started'; readonly daemon: string; readonly pid: number }
  | { readonly kind: 'died'; readonly daemon: string; readonly pid: number; readonly code: number | null; readonly signal: string | null; readonly isAsked: boolean }
  | { readonly kind: 'says'; readonly text: string };

export type Entry = Happening & { readonly ms: number };

/** One history, in memory and in a file. */
export interface History {
  readonly entries: readonly Entry[];
  now(): number;
  add(what: Happening): void;
}

/** Begins a history that is written to a file line by line. */
export function openHistory(file: string): History {
  const begun = performance.now();
  const now = (): number => Math.round(performance.now() - begun);
  const entries: Entry[] = [];
  return {
    entries, now,
    add(what) {
      const entry: Entry = { ms: now(), ...what };
      entries.push(entry);
      appendFileSync(file, `${JSON.stringify(entry)}\n`);
    },
  };
}
