import { setTimeout as sleep } from 'node:timers/promises';
import { INVARIANTS, type Evidence } from './invariants/index.ts';
import type { Fault, Scene } from './faults/index.ts';
import { longestLate, longestSilence } from './figures.ts';
import { keptUpTo } from './office.ts';
import { atWork } from './work.ts';

// Injects one fault after another.
//
//   N1. What was injected is healed, whatever happens meanwhile; if it cannot be, nothing more is injected.
//   N2. The next one comes when the run is going again, or is known not to.
//   N3. A fault that did not take hold, or that came when nothing was measured, is none that was survived.

export interface Row {
  readonly fault: string;
  readonly did: string;
  readonly threatens: readonly string[];
  /** What was broken since the row before. */
  readonly broken: readonly string[];
  /** Whether everything is as it was (N1). */
  readonly isHealed: boolean;
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

const told = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What became of a fault between its beginning and its healing. */
interface Struck { readonly did: string; readonly wrong: readonly string[]; readonly isHealed: boolean }

async function injectAndHeal(fault: Fault, scene: Scene, signal: AbortSignal): Promise<Struck> {
  const { lab } = scene;
  const wrong: string[] = [];
  let did = 'nothing could be done';
  let isHealed = true;
  try {
    await Promise.all(lab.everyone().map((daemon) => daemon.up()));
    await atWork(scene); // N3
    const injected = await fault.inject(scene);
    did = injected.did;
    lab.history.add({ kind: 'began', fault: fault.name, what: did });
    try {
      await sleep(injected.holdMs, undefined, { signal }).catch(() => undefined);
      const missed = signal.aborted ? null : await injected.missed(); // N3
      if (missed !== null) wrong.push(missed);
    } finally {
      await injected.heal().catch((error: unknown) => { isHealed = false; wrong.push(`it could not be healed: ${told(error)}`); }); // N1
    }
  } catch (error) {
    wrong.push(`the fault itself failed: ${told(error)}`);
  }
  return { did, wrong, isHealed };
}

/** Injects a fault, heals it and waits until the run goes on. */
export async function strike(fault: Fault, scene: Scene, { signal, known }: { readonly signal: AbortSignal; readonly known: Set<string> }): Promise<Row> {
  const { lab, cluster, watch, patienceMs } = scene;
  const { history, run } = lab;
  const from = history.now();
  const { did, wrong: amiss, isHealed } = await injectAndHeal(fault, scene, signal);
  const wrong = [...amiss];
  const healedAt = history.now();
  history.add({ kind: 'healed', fault: fault.name, what: did });
  const next = await watch.until((fact) => fact.word === 'trial.measured' || fact.word === 'trial.result', { after: healedAt, patienceMs, signal }); // N2
  const resumedMs = next === null ? null : history.now() - healedAt;
  const seconds = Math.round(patienceMs / 1000);
  const late = await cluster.agreed(patienceMs);
  if (late.length > 0) wrong.push(`I5: ${late.join(', ')} not current ${seconds} s after`);
  const last = await cluster.position().catch(() => null);
  if (last === null) wrong.push('I9: no server says how far the journal is');
  else {
    const kept = await keptUpTo(lab, last, patienceMs);
    if (kept !== null) wrong.push(`I5: ${kept}`);
    if (await watch.until((fact) => fact.seq >= last, { after: -1, patienceMs, signal }) === null && !signal.aborted) wrong.push(`I9: a reader of the journal is not at ${last}, ${seconds} s after`);
  }
  history.add({ kind: 'over', fault: fault.name, what: did });
  const broken = [...wrong, ...brokenIn({ run, entries: history.entries, facts: [...watch.facts], resumeMs: patienceMs, boxes: null }, known)];
  for (const what of broken) known.add(what);
  return { fault: fault.name, did, threatens: fault.threatens, broken, isHealed, stallMs: longestSilence(history.entries, from, Date.now()), lateMs: longestLate(history.entries, from), resumedMs };
}
