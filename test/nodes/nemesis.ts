import { setTimeout as sleep } from 'node:timers/promises';
import { INVARIANTS, type Evidence } from './invariants/index.ts';
import type { Fault, Scene } from './faults/index.ts';
import type { Watch } from './watch.ts';

// Injects one fault after another.
//
//   N1. What was injected is healed, whatever happens meanwhile; if it cannot be, nothing more is injected.
//   N2. The next one comes when the run is going again, or is known not to.

export interface Row {
  readonly fault: string;
  readonly did: string;
  readonly threatens: readonly string[];
  /** What was broken since the row before. */
  readonly broken: readonly string[];
  /** The longest time in which the journal took nothing. */
  readonly stallMs: number;
  /** The longest that a reader of the journal waited for a fact that was there. */
  readonly lateMs: number;
  /** From the healing to the next measurement or result; null when none came. */
  readonly resumedMs: number | null;
}

/** Invariants that can be seen broken while the run goes on. */
export function brokenIn(evidence: Evidence, known: ReadonlySet<string>): string[] {
  return INVARIANTS.flatMap(({ id, check }) => check(evidence).map((what) => `${id}: ${what}`)).filter((what) => !known.has(what));
}

/** Injects a fault, heals it and waits until the run goes on. */
export async function strike(fault: Fault, scene: Scene, { watch, resumeMs, signal, known }: { readonly watch: Watch; readonly resumeMs: number; readonly signal: AbortSignal; readonly known: Set<string> }): Promise<Row> {
  const { lab: { history, run } } = scene;
  const from = history.now();
  let did = 'nothing could be done';
  let failed: string | null = null;
  try {
    const injected = await fault.inject(scene);
    did = injected.did;
    history.add({ kind: 'began', fault: fault.name, what: did });
    try {
      await sleep(injected.holdMs, undefined, { signal }).catch(() => undefined);
    } finally {
      await injected.heal(); // N1
    }
  } catch (error) {
    failed = error instanceof Error ? error.message : String(error);
  }
  const healedAt = history.now();
  history.add({ kind: 'healed', fault: fault.name, what: did });
  const next = await watch.until((fact) => fact.word === 'trial.measured' || fact.word === 'trial.result', { after: healedAt, patienceMs: resumeMs, signal }); // N2
  const resumedMs = next === null ? null : history.now() - healedAt;
  const late = await scene.cluster.agreed(30_000);
  const last = await scene.cluster.position();
  await watch.until((fact) => fact.seq >= last, { after: -1, patienceMs: 30_000, signal }); // what is there has been seen
  history.add({ kind: 'over', fault: fault.name, what: did });
  const broken = [...(failed === null ? [] : [`the fault itself failed: ${failed}`]), ...(late.length === 0 ? [] : [`I5: ${late.join(', ')} not current 30 s after`]),
    ...brokenIn({ run, entries: history.entries, facts: [...watch.facts], resumeMs, boxes: null }, known)];
  for (const what of broken) known.add(what);
  return { fault: fault.name, did, threatens: fault.threatens, broken, stallMs: longestSilence(scene, from), lateMs: longestLate(scene, from), resumedMs };
}

/** The longest time in which the servers took no fact since a moment, by their own clock, which is this machine's. */
function longestSilence({ lab: { history } }: Scene, from: number): number {
  let before: number | null = null;
  let longest = 0;
  for (const entry of history.entries) {
    if (entry.kind !== 'fact') continue;
    if (entry.ms >= from && before !== null) longest = Math.max(longest, entry.takenAt - before);
    before = entry.takenAt;
  }
  return longest;
}

/** The longest that a fact was there before a reader of the journal was told. */
const longestLate = ({ lab: { history } }: Scene, from: number): number =>
  history.entries.reduce((longest, entry) => (entry.kind === 'fact' && entry.ms >= from ? Math.max(longest, entry.lateMs) : longest), 0);
