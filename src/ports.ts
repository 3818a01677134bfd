import type { Answer, Price, Question, Usage } from './domain/conversation.ts';
import type { BodyOf, Fact, IdsOf, Word } from './domain/fact.ts';
import type { BlobHash, RunId, SlotId } from './domain/ids.ts';
import type { Measurement } from './domain/measurement.ts';
import type { PatchResult } from './domain/patch.ts';
import type { Sealed } from './domain/phase.ts';
import type { Recipe } from './domain/recipe.ts';
import type { Study, Values } from './domain/study.ts';
import type { SymbolTable } from './domain/symbol.ts';
import type { CommandMessage, Ids, TelemetryMessage } from './protocols/message.ts';

// What actors ask of the world. Adapters implement these; nothing here does anything.

/** One run's facts. */
export interface Journal {
  readonly run: RunId;
  /** Records a fact durably. `taken` when somebody had already said it; what is no fact where it belongs takes nothing. With `beside` other words there take nothing either: only for a fact that is believed by its signature. */
  record<W extends Word>(word: W, ids: IdsOf<W>, body: BodyOf<W>, options?: { readonly beside: boolean }): Promise<{ readonly kind: 'recorded'; readonly seq: number } | { readonly kind: 'taken' }>;
  /** Every fact after a position in journal order, then live ones, until aborted or past `until`, readable or not. What cannot be parsed goes to `onUnreadable` and is passed over. Throws `JournalDamaged` at a position that is gone. */
  follow(options: { readonly after: number; readonly until?: number; readonly signal?: AbortSignal; readonly onUnreadable?: (what: Unreadable) => void }): AsyncIterable<Fact>;
  /** Position of the newest fact; 0 when there is none. */
  position(): Promise<number>;
}

export interface Unreadable { readonly seq: number; readonly subject: string; readonly reason: string }

/** Request and reply: answered or failed now, never stored. */
export interface Bus {
  /** Throws `NoAnswer` when nobody serves it or time runs out, and on an unreadable reply. */
  ask<S extends string, Q, A>(command: CommandMessage<S, Q, A>, ids: Ids<S>, request: Q, options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<A>;
  /** Answers until disposed. A request that does not parse, or speaks for another than who asks, is refused with an error reply and reported, and never reaches the handler. `by` is the name that the asker's key bears, where it bears one. */
  serve<S extends string, Q, A>(command: CommandMessage<S, Q, A>, ids: Partial<Ids<S>>, handler: (request: Q, ids: Ids<S>, by?: string) => Promise<A> | A): AsyncDisposable;
  /** Serves a command that every server of it hears; the first answer counts. One that is stuck then keeps nothing from the others. */
  serveEach<S extends string, Q, A>(command: CommandMessage<S, Q, A>, ids: Partial<Ids<S>>, handler: (request: Q, ids: Ids<S>, by?: string) => Promise<A> | A): AsyncDisposable;
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

export type { PythonSymbol, SymbolTable } from './domain/symbol.ts';

/** Unified diffs. */
export interface Patches {
  diff(before: Recipe, after: Recipe): string;
  apply(before: Recipe, patch: string): PatchResult;
}

export type { PatchResult } from './domain/patch.ts';

/** Says where in a space to look next, by what it is told of where others looked. */
export interface Sampler {
  /** So many answers, the best first; the same study has the same ones. */
  suggest(study: Study, answers: number, signal: AbortSignal): Promise<readonly Values[]>;
}

/** A language model behind some endpoint. */
export interface Model {
  /** As a person would name it: the model and where it is asked; never a key. */
  readonly name: string;
  /** null where nobody said what it costs. */
  readonly price: Price | null;
  /** What a question says that stays the same from call to call, in the very words that are sent: its system text, and the tools as this model is offered them. */
  told(question: Pick<Question, 'system' | 'tools'>): string;
  /** Asks once: whether to ask again is the asker's to decide. Throws `ModelFailed`, or the signal's reason within a second of it. */
  ask(question: Question, options: { readonly signal: AbortSignal; readonly onProgress: (characters: number) => void }): Promise<Answer>;
}

/** A model did not answer. */
export class ModelFailed extends Error {
  /** `rate`, `server`, `timeout` and `cut` may pass; `refused` and `key` want a person, and `length` a shorter question. */
  readonly kind: 'rate' | 'server' | 'timeout' | 'cut' | 'garbled' | 'refused' | 'key' | 'length';
  /** How long the endpoint asked to be left alone, in milliseconds; null when it did not say. */
  readonly retryAfterMs: number | null;
  /** What was used all the same; null when nothing is known of it. */
  readonly usage: Usage | null;
  /** Whether the message ends with what to do about it. */
  readonly hasRemedy: boolean;
  constructor(kind: ModelFailed['kind'], message: string, more: { readonly retryAfterMs?: number | null; readonly usage?: Usage | null; readonly hasRemedy?: boolean; readonly cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.name = 'ModelFailed';
    this.kind = kind;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.usage = more.usage ?? null;
    this.hasRemedy = more.hasRemedy ?? false;
  }
}

export type * from './ports/sandbox.ts';
export type { Copies, Copy } from './ports/copies.ts';
export { JournalDamaged } from './ports/copies.ts';
export type { PhaseEnd, Sealed } from './domain/phase.ts';

/** A node's own key. Its private half never leaves the process. */
export interface Signer {
  /** Base64 of the raw 32 bytes. */
  readonly publicKey: string;
  sign(signed: { readonly run: string; readonly trial: string; readonly replicate: string; readonly attempt: number; readonly node: string; readonly measurement: Measurement }): string;
}

/** A node's own disk: recipes are laid out on it, artifacts sealed on it, and what is trusted is watched on it. */
export interface Workbench {
  /** Device class and hashes that say what a score of this node may be compared with. */
  readonly device: string;
  readonly environmentHash: string;
  /** Folder with the trusted programs, without canaries and documentation: what a sandbox sees as /eval. */
  readonly evaluator: string;
  /** Folder of the prepared data, held-out sets included. */
  readonly data: string;
  dataSet(name: string): string;
  /** The first trusted file that differs from what it was at the start; null while all hold. */
  changed(): Promise<string | null>;
  /** The first file of a data set too large to be read at every start whose content is not what set-up saw; reads them all. */
  differs(): Promise<string | null>;
  /** The surface's baseline with a canary's files laid over it. */
  canary(name: string): Promise<Recipe>;
  /** Canaries that passed earlier under the same pins; null when none are on record. */
  recallCanaries(): Promise<readonly PassedCanary[] | null>;
  rememberCanaries(passed: readonly PassedCanary[]): Promise<void>;
  /** Lays out one recipe for one measurement. */
  stage(slot: SlotId, recipe: Recipe): Promise<Bench>;
}

export interface PassedCanary { readonly name: string; readonly expect: string; readonly ended: string; readonly score: number | null }

/** One recipe laid out; disposing it removes everything the measurement left. */
export interface Bench extends AsyncDisposable {
  readonly recipe: string;
  /** What the recipe's files weigh together: they count against the cap as the artifact does. */
  readonly recipeBytes: number;
  /** The first recipe file that is not as it was laid out; null while all are. */
  changed(): Promise<string | null>;
  /** An empty folder for one phase, and the path of its log. */
  scratch(phase: string): Promise<{ readonly folder: string; readonly log: string }>;
  /** Takes a file out of a scratch folder when everything that could write to it is dead. */
  seal(scratch: string, file: string, mostBytes: number): Promise<Sealed>;
  /** Puts a copy of the sealed artifact into a scratch folder. */
  place(artifact: Extract<Sealed, { kind: 'sealed' }>, scratch: string): Promise<void>;
}

/** How an actor is seen: its state served on request, its pulse published. */
export interface Presence {
  /** Answers the state commands and pulses for one actor until disposed; call `changed` at every transition. */
  announce(who: {
    readonly actor: string; readonly name: string; readonly run: RunId;
    readonly read: () => { readonly state: string; readonly why: string; readonly context: Readonly<Record<string, string | number | boolean | null>> };
  }): AsyncDisposable & { changed(): void };
  /** A line for whoever is woken at night: to its log as JSON and to telemetry. */
  log(level: 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, string | number | boolean | null>>): void;
}

/** A reader's own copy of the facts it has read, with its position and hash chain; a cache that may be thrown away at any time. */
export interface FactStore extends AsyncDisposable {
  /** What became of the copy that was found, in words for the log; null when it was fine or there was none. */
  readonly notice: string | null;
  position(): { readonly applied: number; readonly chain: string };
  /** Adds facts, in order and each once, in one transaction: all or none. */
  apply(facts: readonly Fact[]): void;
  /** Facts after one position up to another, in order. */
  read(after: number, upTo: number): Iterable<Fact>;
  /** Whether what it holds still makes its chain: no promise is kept by memory or a disk that changes under it. */
  isSound(): boolean;
  /** Empties it; what lies on a disk is left beside it. */
  clear(): void;
}

/** What one process of an actor is given. */
export interface Ports {
  readonly journal: Journal;
  readonly bus: Bus;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly presence: Presence;
}

/** The daemons of one machine, as children of this process. None outlives it, however it ends. */
export interface Processes {
  start(daemon: { readonly name: string; readonly args: readonly string[] }): {
    readonly pid: number;
    readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
    /** Asks it to finish what it holds and go, however long that takes. */
    drain(): void;
    /** Asks it to go, and after a while makes it. */
    stop(): Promise<void>;
  };
  stopAll(): Promise<void>;
}
