import { payerFor } from '../../domain/authors.ts';
import { exhausted, NO_LIMITS, replicateCost, reserve, trialsUsedUp, type Spent } from '../../domain/budget.ts';
import type { NodeEnrolled, StopMode } from '../../domain/fact.ts';
import { COMPOSER } from '../../domain/components.ts';
import { BASELINE, type BlobHash, type NodeId, type ReplicateId, type TrialId } from '../../domain/ids.ts';
import { countTrials, MAX_ATTEMPTS, type Lineage } from '../../domain/lineage.ts';
import type { Lease, Purpose } from '../../domain/measurement.ts';
import type { Wanted } from '../../domain/need.ts';
import { deal, type Grant } from '../../domain/pool.ts';
import { outstanding } from '../../domain/sessions.ts';
import type { Wish } from './pool.ts';

// What the broker should do now. Everything is derived from the lineage and a glance at the world; nothing is remembered besides.
//
//   B1. A slot carries one lease. It is free again when that lease was measured or has lapsed, never before.
//   B2. A lease lapses when its node has not renewed it for its time to live, by this process's own clock, restarted at takeover, and at once when the node
//       has enrolled anew: whatever ran under it died with the start before. So does one for a slot that its node has drained: it cannot begin.
//   B3. Only nodes that measure as the run does are leased to: from the start by its evaluator, once calibrated on its device and in its environment, and
//       only slots of the kind and memory that it was started for.
//       Scores that differ in one of these are not compared, and a run that has nobody else left ends.
//   B4. A confirmation goes before a screening: it decides what everybody builds on. Screenings go, one after another, to whoever has used the fewest
//       slot seconds, what is leased counted as one replicate's worth.
//   B5. A lease of a trial that was decided meanwhile lapses, unless its measurement will be read: the best's and the baseline's are compared with what
//       comes, but for those that stand beside one contender alone. So does one whose earlier attempt was measured after all, in the moment in which it was
//       granted: that measurement counts, and no other of the replicate will.
//   B6. Of last attempts there is one at a time on a node: a recipe that kills its node takes the work of every slot with it, and must not take that of
//       others for good.

export type Stage = 'waiting' | 'calibrating' | 'running' | 'paused' | 'finishing' | 'claiming' | 'stopped';

/** Where the run stands. `openTrials` are admitted trials without a result. */
export function stageOf(lineage: Lineage, openTrials: number): Stage {
  if (!lineage.started) return 'waiting';
  if (lineage.stopped !== null) return 'stopped';
  if (lineage.paused && (lineage.stopping === null || lineage.stopMode === 'complete')) return 'paused'; // a limit's last work waits as well; a stop does not
  if (lineage.stopping !== null) return lineage.stopMode === 'complete' && openTrials === 0 ? 'claiming' : 'finishing';
  return lineage.bests.length === 0 ? 'calibrating' : 'running';
}

/** What the run has used, `sinceNewestMs` after its newest fact was seen, and what `wanted` further replicates will take. */
export function spentBy(lineage: Lineage, sinceNewestMs: number, wanted: number): Spent {
  const newest = lineage.newestAt + sinceNewestMs;
  const out = outstanding(lineage.sessions); // a call that is out has not reached a limit yet: it was reserved within it
  return {
    trials: countTrials(lineage), slotSeconds: lineage.slotSeconds, reserved: reserve(lineage, wanted),
    wallSeconds: lineage.wallSecondsBefore + (lineage.startedAt === null ? 0 : (newest - lineage.startedAt) / 1000),
    tokens: lineage.tokens.tokens - out.tokens, money: lineage.tokens.money - out.money,
    secondsSinceKeep: lineage.lastKeepAt === null ? 0 : (newest - lineage.lastKeepAt) / 1000,
  };
}

/** Why the run should take no more proposals; null while it should. */
export function reasonToStop(lineage: Lineage, spent: Spent, idleSeconds: number): { readonly reason: string; readonly mode: StopMode } | null {
  if (!lineage.started || lineage.stopping !== null) return null;
  if (lineage.bests.length === 0) { // whoever calibrates only allows no trials at all: the other limits hold already
    const over = exhausted({ ...NO_LIMITS, wallSeconds: lineage.limits?.wallSeconds ?? null, slotSeconds: lineage.limits?.slotSeconds ?? null }, spent);
    return over === null ? null : { reason: `${over} before the baseline was known`, mode: 'now' };
  }
  const root = lineage.trials.get(BASELINE)?.result;
  if (root && root.score === null && root.failure?.kind !== 'disqualified') return { reason: `the baseline could not be measured: ${root.failure?.kind ?? 'no score'}`, mode: 'now' };
  if (root && root.score !== null && root.n < Math.min(2, lineage.started.calibrationReplicates)) return { reason: `the baseline scored on ${root.n} of ${lineage.started.calibrationReplicates} seeds: without their spread no gain can be told from noise`, mode: 'now' };
  const limit = lineage.limits ? exhausted(lineage.limits, spent) : null;
  if (limit) return { reason: limit, mode: 'complete' };
  return idleSeconds >= IDLE_SECONDS ? { reason: `no proposal for ${IDLE_SECONDS} s and nothing left to measure`, mode: 'complete' } : null;
}

/** Specialists that have run dry would otherwise keep a night's machine waiting. */
const IDLE_SECONDS = 60;

/** Why the run takes no more proposals, so that thinking of one would be in vain; null while it does. */
export function closedBy(lineage: Lineage): string | null {
  const why = lineage.stopped ?? lineage.stopping ?? trialsUsedUp(lineage);
  return why !== null && lineage.started?.arm.lineage === false ? 'the run takes no more proposals' : why; // why may tell that nothing was kept
}

/** Leases that nobody renewed for too long, and those of nodes that have started anew since. `silentMs` answers for a lease by its key. */
export const lapses = (lineage: Lineage, silentMs: (key: string) => number): { readonly lease: Lease; readonly reason: string }[] =>
  [...lineage.leases].flatMap(([key, lease]) => {
    if (isForgotten(lineage, lease)) return [{ lease, reason: `node ${lease.node} has started anew and knows nothing of it` }]; // B2
    const gone = lineage.nodes.get(lease.node)?.drained?.find(({ slot }) => lease.slots.includes(slot));
    if (gone) return [{ lease, reason: `slot ${gone.slot} of node ${lease.node} was drained: ${gone.why}`.slice(0, 400) }]; // B2
    return silentMs(key) > lease.ttlMs ? [{ lease, reason: `node ${lease.node} did not renew this lease for ${Math.round(lease.ttlMs / 1000)} s` }] : []; // B2
  });

const isForgotten = ({ trials, nodes }: Lineage, { trial, replicate, attempt, node }: Lease): boolean =>
  (nodes.get(node)?.seq ?? 0) > (trials.get(trial)?.replicates.get(replicate)?.attempts[attempt - 1]?.seq ?? Infinity);

/** Leases whose measurement nobody will read any more: an earlier attempt counts, or their trials have ended. */
export const needless = (lineage: Lineage, wanted: readonly Wanted[]): { readonly lease: Lease; readonly reason: string }[] => {
  const best = lineage.bests.at(-1)?.trial;
  const asked = new Set(wanted.map(({ trial, replicate }) => `${trial}.${replicate}`));
  const isCompared = ({ trial, replicate }: Lease): boolean => (trial === best || trial === BASELINE) && !replicate.includes('-');
  return [...lineage.leases].flatMap(([key, lease]) => { // B5
    const row = lineage.trials.get(lease.trial);
    if (row?.replicates.get(lease.replicate)?.measured) return [{ lease, reason: 'an earlier attempt was measured after all' }];
    return row?.result != null && !isCompared(lease) && !asked.has(key) ? [{ lease, reason: 'its trial has been decided' }] : [];
  });
};

/** Why a node's scores cannot be compared with the run's; null when they can. */
export function unlike({ started, calibration }: Lineage, node: NodeEnrolled): string | null { // B3
  const differs = (what: string, has: string, wants: string): string => `its ${what} ${has.slice(0, 60)} is not the run's ${wants.slice(0, 60)}`;
  const short = (hash: string): string => hash.slice(0, 12);
  if (started && node.evaluatorHash !== started.evaluatorHash) return differs('evaluator', short(node.evaluatorHash), short(started.evaluatorHash));
  if (calibration && node.device !== calibration.device) return differs('device', node.device, calibration.device);
  if (calibration && node.environmentHash !== calibration.environmentHash) return differs('environment', short(node.environmentHash), short(calibration.environmentHash));
  return null;
}

const suits = ({ started }: Lineage, slot: NodeEnrolled['slots'][number]): boolean =>
  (started?.slotKind === undefined || slot.kind === started.slotKind) && slot.memoryBytes >= (started?.slotMemoryBytes ?? 0);

/** Why a node's slots cannot hold a replicate of the run; null when they can. */
export function tooSmall(lineage: Lineage, node: NodeEnrolled): string | null { // B3
  const { started } = lineage;
  const has = node.slots.filter((slot) => suits(lineage, slot)).length;
  if (!started || has >= started.slotsPerReplicate) return null;
  const what = `${started.slotKind === undefined ? '' : `${started.slotKind} `}slots${started.slotMemoryBytes === undefined ? '' : ` of ${Math.round(started.slotMemoryBytes / 1e6)} MB or more`}`;
  return `a replicate takes ${started.slotsPerReplicate} ${what}, and it has ${has}`;
}

/** Whether a node may be leased to at all. */
export const isFit = (lineage: Lineage, node: NodeEnrolled): boolean => unlike(lineage, node) === null && tooSmall(lineage, node) === null;

/** A node like the run may come back or be added; but a run is not kept for one for ever. */
const STRANDED_SECONDS = 300;

/** Why work that waits will not be done, when for `unableSeconds` no node was there that may do it; null while it may be. */
export function strandedBy(lineage: Lineage, unableSeconds: number, isAlive: (node: NodeId) => boolean): { readonly reason: string; readonly mode: StopMode } | null {
  if (unableSeconds < STRANDED_SECONDS || lineage.stopMode === 'now' || lineage.stopped !== null) return null;
  const [first] = strangers(lineage, isAlive);
  if (first) return { reason: `${first}: put it back, or start a new run`, mode: 'now' };
  return lineage.stopping === null ? null : { reason: `${lineage.stopping}, and no node is there to finish what was begun`, mode: 'now' };
}

/** The living nodes that are not leased to, each in a sentence. */
export const strangers = (lineage: Lineage, isAlive: (node: NodeId) => boolean): string[] => [...lineage.nodes].flatMap(([node, enrolled]) => {
  if (!isAlive(node)) return [];
  const why = unlike(lineage, enrolled);
  if (why !== null) return [`node ${node} measures differently (${why})`];
  const small = tooSmall(lineage, enrolled);
  return small === null ? [] : [`node ${node} is too small (${small})`];
});

/** What a run would be leased now: its waiting replicates in order, and the slots of nodes that are alive, measure as it does and have what a replicate takes. */
export function wishOf(lineage: Lineage, wanted: readonly Wanted[], isAlive: (node: NodeId) => boolean): Wish {
  const { started } = lineage;
  const cost = replicateCost(lineage) || 1;
  const isLast = (attempt: number): boolean => attempt >= MAX_ATTEMPTS; // B6
  const width = started?.slotsPerReplicate ?? 1;
  const isExclusive = started?.wholeNode === true;
  const nodes = [...lineage.nodes].filter(([node, enrolled]) => isAlive(node) && isFit(lineage, enrolled)) // B3
    .map(([node, enrolled]) => ({ node, slots: enrolled.slots.filter((slot) => suits(lineage, slot)).map(({ slot }) => slot) }));
  const seen = new Set<string>(lineage.leases.keys());
  const waiting = inOrder(lineage, wanted).flatMap(({ trial, replicate }) => {
    const key = `${trial}.${replicate}`;
    if (seen.has(key) || !lineage.trials.get(trial)?.snapshot) return [];
    seen.add(key);
    return [{ key, isLast: isLast(nextAttempt(lineage, trial, replicate)), shuns: lineage.trials.get(trial)?.replicates.get(replicate)?.attempts.at(-1)?.lease.node }];
  });
  return {
    waiting, cost, width, isExclusive, nodes, slotSeconds: lineage.slotSeconds + lineage.leases.size * cost, // B4: what runs is paid when it ends
    priority: started?.priority ?? 1, room: isExclusive ? Math.max(width, ...nodes.map(({ slots }) => slots.length)) / width : 1,
    held: lineage.stopped !== null ? [] : [...lineage.leases.values()].map(({ node, slots, attempt }) => ({ node, slots, isLast: isLast(attempt) })), // B1
  };
}

const keyOf = ({ trial, replicate }: Pick<Wanted, 'trial' | 'replicate'>): string => `${trial}.${replicate}`;

const nextAttempt = (lineage: Lineage, trial: TrialId, replicate: ReplicateId): number => (lineage.trials.get(trial)?.replicates.get(replicate)?.attempts.length ?? 0) + 1;

/** What was granted, as leases. */
export function leasesOf(lineage: Lineage, wanted: readonly Wanted[], granted: readonly Grant[]): Lease[] {
  const wants = new Map(wanted.map((want) => [keyOf(want), want]));
  return granted.flatMap(({ key, node, slots }) => {
    const want = wants.get(key);
    const snapshot = want && lineage.trials.get(want.trial)?.snapshot;
    return want && snapshot ? [{ ...want, attempt: nextAttempt(lineage, want.trial, want.replicate), node, slots: [...slots], snapshot, ttlMs: lineage.started?.leaseTtlMs ?? 0 }] : [];
  });
}

/** What a run alone would be leased. */
export function grants(lineage: Lineage, wanted: readonly Wanted[], isAlive: (node: NodeId) => boolean): Lease[] {
  if (!lineage.started) return [];
  const wish = wishOf(lineage, wanted, isAlive);
  return leasesOf(lineage, wanted, deal(new Map([[lineage, { ...wish, used: 0, step: 0 }]])).granted.get(lineage) ?? []);
}

/** What busy nodes will most likely be leased next: the lease that is out longest ends first, and what waits first takes its place. */
export function ahead(lineage: Lineage, waiting: readonly string[], wanted: readonly Wanted[]): { readonly node: NodeId; readonly key: string; readonly snapshot: BlobHash; readonly purpose: Purpose }[] {
  const wants = new Map(wanted.map((want) => [keyOf(want), want]));
  return [...lineage.leases.values()].slice(0, waiting.length).flatMap(({ node }, i) => {
    const want = wants.get(waiting[i] ?? '');
    const snapshot = want && lineage.trials.get(want.trial)?.snapshot;
    return want && snapshot ? [{ node, key: keyOf(want), snapshot, purpose: want.purpose }] : [];
  });
}

function inOrder(lineage: Lineage, wanted: readonly Wanted[]): Wanted[] { // B4
  const cost = replicateCost(lineage) || 1;
  const used = new Map(lineage.secondsBySpecialist);
  const count = (payer: string): void => { used.set(payer, (used.get(payer) ?? 0) + cost); };
  for (const { trial, replicate } of lineage.leases.values()) count(payerFor(lineage, trial, replicate)); // what runs is paid when it ends
  const queues = new Map<string, Wanted[]>();
  for (const want of wanted) {
    if (want.purpose !== 'search' || lineage.leases.has(`${want.trial}.${want.replicate}`)) continue;
    const payer = payerFor(lineage, want.trial, want.replicate);
    queues.set(payer, [...queues.get(payer) ?? [], want]);
  }
  const inTurn: Wanted[] = [];
  for (let left = [...queues]; left.length > 0; left = left.filter(([, queue]) => queue.length > 0)) {
    const [payer, queue] = left.reduce((least, each) => ((used.get(each[0]) ?? 0) < (used.get(least[0]) ?? 0) ? each : least));
    inTurn.push(...queue.splice(0, 1));
    count(payer);
  }
  return [...wanted.filter(({ purpose }) => purpose !== 'search'), ...inTurn];
}

/** How many of one agent's trials may be open at once, so that every slot has a successor waiting whatever the number of agents. */
export function openTrialsPerAgent(lineage: Lineage, specialist = ''): number {
  const slots = [...lineage.nodes.values()].reduce((sum, node) => sum + node.slots.length, 0);
  const agents = specialist === COMPOSER ? 1 : Math.max(1, lineage.started?.arm.agents ?? 1); // a composer may be the only author there is
  return Math.max(1, Math.ceil((slots / Math.max(1, lineage.started?.slotsPerReplicate ?? 1) + 1) / agents));
}
