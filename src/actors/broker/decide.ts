import { exhausted, type Spent } from '../../domain/budget.ts';
import type { StopMode } from '../../domain/fact.ts';
import { BASELINE, type NodeId, type SlotId, type TrialId } from '../../domain/ids.ts';
import { countTrials, type Lineage } from '../../domain/lineage.ts';
import type { Lease } from '../../domain/measurement.ts';
import type { Wanted } from '../../domain/need.ts';

// What the broker should do now. Everything is derived from the lineage and a glance at the world; nothing is remembered besides.
//
//   B1. A slot carries one lease. It is free again when that lease was measured or has lapsed, never before.
//   B2. A lease lapses when its node has been silent for its time to live, by this process's own clock, restarted at takeover.
//   B3. Only nodes that measure as the calibration did are leased to: scores of two devices or two evaluators are not compared.
//   B4. A confirmation goes before a screening: it decides what everybody builds on. Screenings go to whoever has used the fewest slot seconds.

export type Stage = 'waiting' | 'calibrating' | 'running' | 'paused' | 'finishing' | 'claiming' | 'stopped';

/** Where the run stands. `openTrials` are admitted trials without a result. */
export function stageOf(lineage: Lineage, openTrials: number): Stage {
  if (!lineage.started) return 'waiting';
  if (lineage.stopped !== null) return 'stopped';
  if (lineage.stopping !== null) return lineage.stopMode === 'complete' && openTrials === 0 ? 'claiming' : 'finishing';
  if (lineage.paused) return 'paused';
  return lineage.bests.length === 0 ? 'calibrating' : 'running';
}

/** What the run has used, `sinceNewestMs` after its newest fact was seen. */
export function spentBy(lineage: Lineage, sinceNewestMs: number): Spent {
  const newest = lineage.newestAt + sinceNewestMs;
  const rows = lineage.tokens;
  return {
    trials: countTrials(lineage), slotSeconds: lineage.slotSeconds,
    wallSeconds: lineage.wallSecondsBefore + (lineage.startedAt === null ? 0 : (newest - lineage.startedAt) / 1000),
    tokens: rows.tokens, money: rows.money,
    secondsSinceKeep: lineage.lastKeepAt === null ? 0 : (newest - lineage.lastKeepAt) / 1000,
  };
}

/** Why the run should take no more proposals; null while it should. */
export function reasonToStop(lineage: Lineage, spent: Spent, idleSeconds: number): { readonly reason: string; readonly mode: StopMode } | null {
  if (!lineage.started || lineage.stopping !== null || lineage.bests.length === 0) return null;
  const root = lineage.trials.get(BASELINE)?.result;
  if (root && root.score === null && root.failure?.kind !== 'disqualified') return { reason: `the baseline could not be measured: ${root.failure?.kind ?? 'no score'}`, mode: 'now' };
  const limit = lineage.limits ? exhausted(lineage.limits, spent) : null;
  if (limit) return { reason: limit, mode: 'complete' };
  return idleSeconds >= IDLE_SECONDS ? { reason: `no proposal for ${IDLE_SECONDS} s and nothing left to measure`, mode: 'complete' } : null;
}

/** Specialists that have run dry would otherwise keep a night's machine waiting. */
const IDLE_SECONDS = 60;

/** Leases whose node has been silent too long. `silentMs` answers for a lease by its key. */
export const lapses = (lineage: Lineage, silentMs: (key: string) => number): { readonly lease: Lease; readonly reason: string }[] =>
  [...lineage.leases].filter(([key, lease]) => silentMs(key) > lease.ttlMs) // B2
    .map(([, lease]) => ({ lease, reason: `node ${lease.node} was not heard of for ${Math.round(lease.ttlMs / 1000)} s` }));

/** Slots that carry no lease, of nodes that are alive and measure as the calibration did. */
export function freeSlots(lineage: Lineage, isAlive: (node: NodeId) => boolean): { readonly node: NodeId; readonly slots: SlotId[] }[] {
  const taken = new Set([...lineage.leases.values()].flatMap((lease) => lease.slots.map((slot) => `${lease.node}/${slot}`))); // B1
  const calibration = lineage.calibration;
  return [...lineage.nodes].filter(([node, enrolled]) => isAlive(node)
    && (!calibration || (enrolled.device === calibration.device && enrolled.evaluatorHash === calibration.evaluatorHash && enrolled.environmentHash === calibration.environmentHash))) // B3
    .map(([node, enrolled]) => ({ node, slots: enrolled.slots.map(({ slot }) => slot).filter((slot) => !taken.has(`${node}/${slot}`)) }))
    .filter(({ slots }) => slots.length > 0);
}

/** Deals free slots to wanted replicates. All slots of one lease are of one node. */
export function grants(lineage: Lineage, wanted: readonly Wanted[], isAlive: (node: NodeId) => boolean): Lease[] {
  const started = lineage.started;
  if (!started) return [];
  const free = freeSlots(lineage, isAlive);
  if (free.length === 0) return [];
  const leases: Lease[] = [];
  const seen = new Set<string>();
  for (const { trial, replicate, purpose } of inOrder(lineage, wanted)) {
    const key = `${trial}.${replicate}`;
    const row = lineage.trials.get(trial);
    if (lineage.leases.has(key) || seen.has(key) || !row?.snapshot) continue;
    const place = free.find(({ slots }) => slots.length >= started.slotsPerReplicate);
    if (!place) break;
    seen.add(key);
    leases.push({
      trial, replicate, attempt: (row.replicates.get(replicate)?.attempts.length ?? 0) + 1, node: place.node,
      slots: place.slots.splice(0, started.slotsPerReplicate), purpose, snapshot: row.snapshot, ttlMs: started.leaseTtlMs,
    });
  }
  return leases;
}

function inOrder(lineage: Lineage, wanted: readonly Wanted[]): Wanted[] { // B4
  const used = (trial: TrialId): number => lineage.secondsBySpecialist.get(lineage.trials.get(trial)?.proposal.specialist ?? '') ?? 0;
  const first = wanted.filter(({ purpose }) => purpose !== 'search');
  const screenings = wanted.filter(({ purpose }) => purpose === 'search').map((want, i) => ({ want, i, used: used(want.trial) }));
  return [...first, ...screenings.sort((a, b) => a.used - b.used || a.i - b.i).map(({ want }) => want)];
}

/** How many of one agent's trials may be open at once, so that every slot has a successor waiting whatever the number of agents. */
export function openTrialsPerAgent(lineage: Lineage): number {
  const slots = [...lineage.nodes.values()].reduce((sum, node) => sum + node.slots.length, 0);
  const agents = Math.max(1, lineage.started?.arm.agents ?? 1);
  return Math.max(1, Math.ceil((slots / Math.max(1, lineage.started?.slotsPerReplicate ?? 1) + 1) / agents));
}
