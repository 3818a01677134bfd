/** A stretch of a phase that a printed line ends, as the warden's own clock read it when the line arrived. */
export interface MilestoneSeen { readonly name: string; readonly seconds: number; /** False for the one that was running when the phase ended. */ readonly reached: boolean }

/** How one phase ended, as its warden saw it; every process it started is dead. */
export type PhaseEnd = {
  readonly seconds: number;
  readonly wallSeconds: number;
  /** The scorer's JSON line, unparsed beyond JSON; null when there was no scorer or it said nothing. */
  readonly scored: unknown;
  readonly logTail: string;
  /** Those that began, in order; absent where the phase has none. */
  readonly milestones?: readonly MilestoneSeen[] | undefined;
} & (
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: string; readonly outOfMemory: boolean }
  | { readonly kind: 'over-budget'; readonly by: 'clock' | 'wall' | 'milestone' }
  | { readonly kind: 'killed'; readonly why: 'silence' | 'aborted' }
  | { readonly kind: 'scorer-failed'; readonly message: string }
  | { readonly kind: 'not-started'; readonly reason: string }
);

/** `forged` is what only someone who means to deceive leaves: a link, a pipe, a second name for another file. */
export type Sealed =
  | { readonly kind: 'sealed'; readonly path: string; readonly file: string; readonly bytes: number; readonly sha256: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'forged'; readonly what: string }
  | { readonly kind: 'too-large'; readonly bytes: number };
