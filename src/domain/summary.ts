import { payerOf } from './authors.ts';
import { BASELINE, type TrialId } from './ids.ts';
import { best, statusOf, type Lineage, type TrialRow } from './lineage.ts';
import type { Purpose } from './measurement.ts';
import { baselineBeside } from './purpose.ts';
import type { Attempt } from './spending.ts';
import { isValid, type Status } from './status.ts';
import { endedRows, owner } from './tables.ts';

/** A run in figures; what is unknown is null. */
export interface Summary {
  readonly run: string;
  readonly surface: string;
  readonly metric: string;
  readonly unit: string;
  readonly state: 'calibrating' | 'running' | 'paused' | 'stopping' | 'stopped';
  readonly reason: string | null;
  /** `beside` is the baseline on the data of confirmations; null until it was measured there. */
  readonly baseline: { readonly score: number | null; readonly sd: number | null; readonly n: number; readonly beside: { readonly score: number; readonly sd: number; readonly n: number } | null };
  /** Seeds of the baseline measured so far, of those it needs. */
  readonly calibration: { readonly done: number; readonly of: number };
  /** `from` is the baseline on the text that the best was scored on; `delta` is between those two. */
  readonly best: { readonly trial: TrialId; readonly score: number | null; readonly from: number | null; readonly delta: number | null };
  readonly claim: { readonly delta: number; readonly interval: readonly [number, number]; readonly p: number; readonly n: number; readonly bestMean: number; readonly baselineMean: number; readonly scoreSource: 'evaluator' | 'recipe' } | null;
  readonly trials: number;
  readonly trialLimit: number | null;
  readonly keeps: number;
  readonly discards: number;
  readonly failures: number;
  readonly rejected: number;
  /** Rows of an imported run that cannot be read: trials whose ending nobody knows. */
  readonly damaged: number;
  readonly waiting: number;
  readonly wallSeconds: number;
  readonly slotSeconds: number;
  readonly slots: number;
  /** Share of the slots' time, from first to last work, that was spent measuring. */
  readonly busyShare: number | null;
  readonly confirmations: number;
  /** Keeps that luck alone predicts: confirmations × the level of the test. */
  readonly expectedFalseKeeps: number;
  readonly tokens: number;
  readonly money: number;
  /** null where nothing recorded what people did: in an imported run. */
  readonly interventions: number | null;
}

/** A run's figures as they stand at `now` (server time); an ended run ignores it. */
export function summarize(run: string, lineage: Lineage, now?: number): Summary {
  const rows = [...lineage.trials.values()];
  const proposed = rows.filter((row) => row.trial !== BASELINE);
  const having = (is: (status: Status) => boolean): number => proposed.filter((row) => { const status = statusOf(row); return status !== null && is(status); }).length;
  const root = lineage.trials.get(BASELINE)?.result;
  const head = best(lineage);
  const baselineScore = lineage.calibration?.mean ?? root?.score ?? null;
  const beside = baselineBeside(lineage);
  const from = besideBest(lineage)?.mean ?? baselineScore;
  const confirmations = proposed.filter((row) => typeof row.result?.p === 'number').length;
  const stretch = lineage.startedAt === null || lineage.stopped !== null ? 0 : Math.max(0, Math.max(now ?? 0, lineage.newestAt) - lineage.startedAt) / 1000;
  const claim = lineage.claim;
  const damaged = lineage.imported?.damagedRows.length ?? 0;
  return {
    run, surface: lineage.started?.surface ?? '', metric: lineage.started?.objective.metric ?? 'score', unit: lineage.started?.objective.unit ?? '',
    state: lineage.stopped !== null ? 'stopped' : lineage.stopping !== null ? 'stopping' : lineage.paused ? 'paused' : lineage.bests.length === 0 ? 'calibrating' : 'running',
    reason: lineage.stopped ?? lineage.stopping,
    baseline: { score: baselineScore, sd: lineage.calibration?.sd ?? root?.sd ?? null, n: root?.n ?? lineage.calibration?.measurements.length ?? 0, beside: beside && { score: beside.mean, sd: beside.sd, n: beside.n } },
    calibration: { done: [...(lineage.trials.get(BASELINE)?.replicates.values() ?? [])].filter(({ replicate, measured }) => replicate.startsWith('s') && measured).length, of: lineage.started?.calibrationReplicates ?? 0 },
    best: { trial: head?.trial ?? BASELINE, score: head?.score ?? baselineScore, from, delta: head && head.score !== null && from !== null && head.trial !== BASELINE ? head.score - from : null },
    claim: claim && { delta: claim.delta, interval: claim.interval, p: claim.p, n: claim.n, bestMean: claim.bestMean, baselineMean: claim.baselineMean, scoreSource: lineage.trials.get(claim.best)?.result?.scoreSource ?? 'evaluator' },
    trials: having((status) => status !== 'rejected') + damaged, trialLimit: lineage.limits?.trials ?? null,
    keeps: having((status) => status === 'keep'), discards: having((status) => status === 'discard'), rejected: having((status) => status === 'rejected'), damaged,
    failures: having((status) => status !== 'rejected' && !isValid(status)), waiting: lineage.imported ? 0 : proposed.filter((row) => statusOf(row) === null).length,
    wallSeconds: lineage.wallSecondsBefore + stretch, slotSeconds: lineage.slotSeconds, ...utilisation(lineage), ...(lineage.imported ? { slots: 0, busyShare: null } : {}),
    confirmations, expectedFalseKeeps: confirmations * (lineage.started?.keep.alpha ?? 0),
    tokens: lineage.tokens.tokens, money: lineage.tokens.money,
    interventions: lineage.imported ? null : lineage.operatorActs.length,
  };
}

/** The baseline on the data that a best was confirmed on; null while it is the best itself, and where nothing is confirmed. */
const besideBest = (lineage: Lineage): ReturnType<typeof baselineBeside> => (lineage.bests.length < 2 ? null : baselineBeside(lineage));

/** One stretch of work on one slot, in server time. */
export interface SlotWork { readonly slot: string; readonly trial: TrialId; readonly replicate: string; readonly purpose: Purpose; readonly from: number; readonly to: number; readonly failed: boolean }

/** What every slot did when, from the measurements that counted. */
export const slotWork = (lineage: Lineage): SlotWork[] =>
  [...lineage.trials.values()].flatMap((row) => [...row.replicates.values()].flatMap(({ replicate, measured, attempts }) => {
    const lease = measured && attempts[measured.attempt - 1]?.lease;
    if (!measured || !lease) return [];
    return lease.slots.map((slot) => ({
      slot: `${lease.node}/${slot}`, trial: row.trial, replicate, purpose: lease.purpose, from: measured.at - measured.heldMs, to: measured.at, failed: measured.measurement.failure !== null,
    }));
  })).sort((a, b) => a.from - b.from);

function utilisation(lineage: Lineage): { slots: number; busyShare: number | null } {
  const work = slotWork(lineage);
  const slots = new Set([...[...lineage.nodes].flatMap(([node, { slots: offered }]) => offered.map(({ slot }) => `${node}/${slot}`)), ...work.map(({ slot }) => slot)]).size;
  const from = Math.min(...work.slice(0, 1).map((w) => w.from));
  const to = work.reduce((latest, w) => Math.max(latest, w.to), -Infinity);
  const busy = work.reduce((sum, w) => sum + w.to - w.from, 0);
  return { slots, busyShare: work.length === 0 || to <= from ? null : Math.min(1, busy / ((to - from) * slots)) };
}

/** One point of the best-so-far line. */
export interface BestPoint { readonly trial: TrialId; readonly number: number; readonly score: number; readonly slotSeconds: number }

/** Every best in order, from the baseline, with the slot-seconds spent until it was found. */
export function bestSoFar(lineage: Lineage): BestPoint[] {
  const spent = spentUntil(lineage);
  return lineage.bests.flatMap(({ trial, score: said }) => {
    const row = lineage.trials.get(trial);
    const score = trial === BASELINE ? besideBest(lineage)?.mean ?? said : said; // data of one purpose for the whole line
    return row && score !== null ? [{ trial, number: row.number, score, slotSeconds: spent(row) }] : [];
  });
}

/** Slot-seconds the run had used when a row ended, by journal order. */
function spentUntil(lineage: Lineage): (row: TrialRow) => number {
  const spending = [...lineage.trials.values()].flatMap(attemptsOf).sort((a, b) => a.chargedSeq - b.chargedSeq);
  let total = 0;
  const sums = spending.map(({ chargedSeq: seq, seconds }) => ({ seq, total: (total += seconds) }));
  return (row) => {
    let low = 0;
    for (let high = sums.length; low < high;) { const middle = (low + high) >> 1; if ((sums[middle]?.seq ?? 0) <= row.seq) low = middle + 1; else high = middle; }
    return sums[low - 1]?.total ?? 0;
  };
}

/** Slot-seconds one trial has used, in vain or not. */
export const slotSecondsOf = (row: TrialRow): number => attemptsOf(row).reduce((sum, { seconds }) => sum + seconds, 0);

const attemptsOf = (row: TrialRow): Attempt[] => [...row.replicates.values()].flatMap(({ attempts }) => attempts);

/** How many trials of each status a specialist has, in roster order, and what those cost that are on its account. */
export interface OutcomeMix { readonly specialist: string; readonly total: number; readonly counts: ReadonlyMap<Status, number>; readonly slotSeconds: number }

/** Outcomes by specialist, those of the roster first. */
export function outcomeMix(lineage: Lineage): OutcomeMix[] {
  const rows = endedRows(lineage).filter((row) => row.trial !== BASELINE);
  const specialists = [...new Set([...(lineage.started?.roster ?? []), ...rows.map(owner)])];
  return specialists.map((specialist) => {
    const own = rows.filter((row) => owner(row) === specialist);
    return { specialist, total: own.length, counts: tally(own), slotSeconds: rows.filter((row) => payerOf(row.proposal) === specialist).reduce((sum, row) => sum + slotSecondsOf(row), 0) };
  });
}

/** How many of some rows ended with each status. */
function tally(rows: readonly TrialRow[]): Map<Status, number> {
  const counts = new Map<Status, number>();
  for (const row of rows) { const status = statusOf(row); if (status) counts.set(status, (counts.get(status) ?? 0) + 1); }
  return counts;
}
