import type { BodyOf, Fact, IdsOf, Word } from './domain/fact.ts';
import type { BlobHash, RunId } from './domain/ids.ts';
import type { Recipe } from './domain/recipe.ts';
import type { CommandMessage, Ids, TelemetryMessage } from './protocols/message.ts';

// What actors ask of the world. Adapters implement these; nothing here does anything.

/** One run's facts. */
export interface Journal {
  readonly run: RunId;
  /** Records a fact durably. `taken` when somebody had already said it. */
  record<W extends Word>(word: W, ids: IdsOf<W>, body: BodyOf<W>): Promise<{ readonly kind: 'recorded'; readonly seq: number } | { readonly kind: 'taken' }>;
  /** Every fact after a position in journal order, then live ones, until aborted. What cannot be parsed goes to `onUnreadable` and is passed over. */
  follow(options: { readonly after: number; readonly signal: AbortSignal; readonly onUnreadable?: (what: Unreadable) => void }): AsyncIterable<Fact>;
  /** Position of the newest fact; 0 when there is none. */
  position(): Promise<number>;
}

export interface Unreadable { readonly seq: number; readonly subject: string; readonly reason: string }

/** Request and reply: answered or failed now, never stored. */
export interface Bus {
  /** Throws `NoAnswer` when nobody serves it or time runs out, and on an unreadable reply. */
  ask<S extends string, Q, A>(command: CommandMessage<S, Q, A>, ids: Ids<S>, request: Q, options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<A>;
  /** Answers until disposed. A request that does not parse is refused with an error reply and reported, and never reaches the handler. */
  serve<S extends string, Q, A>(command: CommandMessage<S, Q, A>, ids: Partial<Ids<S>>, handler: (request: Q, ids: Ids<S>) => Promise<A> | A): AsyncDisposable;
  /** Fire and forget. */
  tell<S extends string, T>(message: TelemetryMessage<S, T>, ids: Ids<S>, body: T): void;
  /** Calls back for every readable telemetry message until disposed. */
  listen<S extends string, T>(message: TelemetryMessage<S, T>, ids: Partial<Ids<S>>, handler: (body: T, ids: Ids<S>) => void): AsyncDisposable;
}

/** A command went unanswered. */
export class NoAnswer extends Error {
  readonly subject: string;
  readonly reason: 'nobody' | 'timeout' | 'unreadable' | 'refused';
  constructor(subject: string, reason: NoAnswer['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NoAnswer';
    this.subject = subject;
    this.reason = reason;
  }
}

/** Bytes by their SHA-256. */
export interface Blobs {
  put(bytes: Uint8Array): Promise<BlobHash>;
  /** null when no such blob is stored; throws when its bytes do not match its name. */
  get(hash: BlobHash): Promise<Uint8Array | null>;
}

/** Time, injectable so that a whole run can be simulated. */
export interface Clock {
  /** Monotonic milliseconds of this process; never compared with another machine's. */
  now(): number;
  /** Resolves after `ms`, or rejects with the signal's reason. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** What a Python source contains, by symbol. */
export interface Syntax {
  symbols(source: string): SymbolTable;
  /** What Python's own compiler says, without running anything. */
  check(path: string, source: string): Promise<{ readonly ok: true } | { readonly ok: false; readonly line: number; readonly message: string }>;
}

export interface SymbolTable {
  /** Every named symbol with the text that defines it, in source order; nested ones follow their parent. */
  readonly symbols: readonly PythonSymbol[];
  /** Statements that change a symbol defined elsewhere: `Block.forward = f`, `setattr(Block, "forward", f)`, `model.WIDTH = 1`. */
  readonly assaults: readonly { readonly target: string; readonly line: number; readonly text: string }[];
}

export interface PythonSymbol {
  /** Dotted name from the module's top: `Block.forward`, `WIDTH`, `HYP["opt"]`; `<module>` gathers what has no name, imports included. */
  readonly name: string;
  readonly kind: 'function' | 'class' | 'method' | 'attribute' | 'assignment' | 'key' | 'block' | 'module';
  readonly line: number;
  readonly endLine: number;
  /** Its own text, without that of the symbols inside it; comments and white space normalised away, so that only a change of code is a change. */
  readonly text: string;
}

/** Unified diffs. */
export interface Patches {
  diff(before: Recipe, after: Recipe): string;
  apply(before: Recipe, patch: string): PatchResult;
}

export type PatchResult =
  | { readonly kind: 'applied'; readonly recipe: Recipe; readonly touched: readonly string[]; readonly added: readonly string[]; readonly deleted: readonly string[] }
  | { readonly kind: 'refused'; readonly rule: 'apply' | 'path' | 'mode' | 'size' | 'empty'; readonly file: string | null; readonly message: string };
