import type { SlotId } from '../domain/ids.ts';
import type { SandboxLevel } from '../domain/measurement.ts';
import type { PhaseEnd } from '../domain/phase.ts';
import type { ResourceLimits } from '../domain/surface.ts';

// What an evaluator asks of the machine that hostile code runs on.

/** Where recipes run. One slot runs one thing at a time. */
export interface Sandbox {
  readonly level: SandboxLevel;
  /** One line on what this level does and does not hold, for doctor and the journal. */
  readonly describes: string;
  /** Opens a slot: its warden and, where a phase asks for it, its reference clock. Everything under it dies with the slot. */
  open(slot: { readonly slot: SlotId; readonly cores: readonly number[] }): Promise<SandboxSlot>;
}

export interface SandboxSlot extends AsyncDisposable {
  /** Runs one phase to its end; every process it started is dead when this resolves. Aborting the signal kills it within a second. */
  run(job: PhaseJob, options: { readonly signal: AbortSignal; readonly onProgress: (reading: { readonly seconds: number }) => void }): Promise<PhaseEnd>;
  /** Keeps the phase alive: a warden that hears nothing for `silenceMs` kills what it holds. What was good `agoMs` ago, and not since, counts from then. */
  beat(agoMs?: number): void;
  /** Takes the slot among all processes of this machine, and waits while another has one of its locks. Absent where nobody else can be. */
  occupy?(asked: Occupying): Promise<Occupied>;
}

/** What a slot needs of its machine. */
export interface Occupying {
  /** Names of the devices and cores of this machine that nobody else may hold. */
  readonly locks: readonly string[];
  /** Names of those that others may hold too, but nobody alone. */
  readonly shared: readonly string[];
  /** Who asks, for whoever waits. */
  readonly by: string;
  /** Silence after which it is given back by itself, everything in it dead. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
  readonly onWait: (why: string) => void;
}

/** A slot that is ours until it is given back. */
export interface Occupied {
  /** Gives it back unless something of it is still there: then it says what, and the slot stays taken. */
  leave(): Promise<string | null>;
}

/** The accelerators of this machine, whoever made them. */
export interface Devices {
  /** What a sandbox needs for these of them and no other. */
  show(indexes: readonly number[]): ShownDevices;
  /** Why nobody may begin on it now: a process computes on it, or its memory is not free; null when it is clean. */
  unclean(index: number): Promise<string | null>;
}

/** Devices as a sandbox sees them: paths of this machine, the same inside. */
export interface ShownDevices {
  readonly count: number;
  /** Device files that may be opened. */
  readonly files: readonly string[];
  /** Read-only besides: what a driver asks of the machine, and libraries that lie elsewhere than the system's. */
  readonly reads: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** One phase, ready to run: paths are of this machine. */
export interface PhaseJob {
  readonly name: string;
  /** Inside, the recipe lies read-only at /recipe, the evaluator's own programs at /eval, data sets at /data/<name>, scratch at /work. `python` is the evaluator's interpreter. */
  readonly command: readonly string[];
  /** A second sandbox. It starts at the scorer's first byte on descriptor 4, which ends the command, and not before every process of that is dead. */
  readonly auditor: readonly string[] | null;
  /** Runs outside; its file descriptors 3 and 4 are sockets to descriptor 3 of the command and of the auditor. Reads `request` on standard input, prints one JSON line. */
  readonly scorer: { readonly command: readonly string[]; readonly request: string } | null;
  readonly recipe: string;
  readonly evaluator: string;
  readonly data: Readonly<Record<string, string>>;
  /** Files and folders of this machine, inside read-only at /mounts/<name>. */
  readonly mounts: Readonly<Record<string, string>>;
  /** Fresh and empty, writable inside as /work. The auditor sees a read-only copy of what lies in it at the start. */
  readonly scratch: string;
  readonly env: Readonly<Record<string, string>>;
  readonly clock: 'calibrated' | 'wall';
  readonly budgetSeconds: number;
  readonly toleranceSeconds: number;
  readonly wallSeconds: number;
  readonly limits: ResourceLimits;
  readonly silenceMs: number;
  /** In order; the phase is killed when one has had its seconds before its line came. */
  readonly milestones: readonly { readonly name: string; readonly until: string | null; readonly seconds: number }[];
  /** Receives the printed lines with the second each arrived; null for none. */
  readonly stamps: string | null;
  /** Receives what the command prints, capped at limits.logBytes with its tail kept. */
  readonly log: string;
  /** Accelerators that the command and its auditor may use; absent for none. */
  readonly devices?: ShownDevices | undefined;
  /** Where it runs when it was leased more than one slot; absent for the slot's own cores. */
  readonly cores?: readonly number[] | undefined;
}
