import { BASELINE, type TrialId } from '../ids.ts';
import { statusOf, type Lineage } from '../lineage.ts';
import type { Status } from '../status.ts';
import { slotSecondsOf, summarize } from '../summary.ts';

// What the tables are computed from, the same for a run of our own and an imported one.
//
//   A1. A trial is a proposal that was admitted and has ended. The baseline is none, a refused proposal is none, and one still waiting is none yet.
//   A2. A damaged row is a trial, for somebody ran it; its ending is not known, so it counts among the trials and under no status.

/** One trial, as far as it is known. */
export interface TrialRecord {
  readonly trial: TrialId;
  readonly specialist: string;
  readonly parent: TrialId;
  readonly status: Status | 'damaged';
  readonly hypothesis: string;
  /** Slot-seconds it used; null is unknown. */
  readonly seconds: number | null;
  /** Milliseconds; null is unknown. */
  readonly endedAt: number | null;
}

/** One run, as the tables read it. */
export interface RunRecord {
  readonly run: string;
  readonly metric: string;
  readonly direction: 'minimize' | 'maximize';
  /** On the data that the best was scored on, so that the two may be compared. */
  readonly baseline: number | null;
  readonly best: { readonly trial: TrialId; readonly score: number } | null;
  /** The final claim on data that nothing else used; null where none was made. */
  readonly claim: { readonly delta: number; readonly interval: readonly [number, number]; readonly n: number } | null;
  /** Every specialist that may propose, in roster order. */
  readonly roster: readonly string[];
  /** How many trials it can have in hand at once: slots of our own runs, agents of an imported one. */
  readonly width: number;
  /** Slots that one trial holds; 1 where nobody says. */
  readonly slotsEach: number;
  readonly trials: readonly TrialRecord[];
  /** Rows that are trials, though neither id nor place can be read. */
  readonly lostRows: number;
  readonly refused: number;
  readonly waiting: number;
  /** null where nobody recorded what people did. */
  readonly interventions: number | null;
}

/** Reads a run's lineage for the tables. */
export function recordOf(run: string, lineage: Lineage): RunRecord {
  const rows = [...lineage.trials.values()].filter(({ trial }) => trial !== BASELINE).sort((a, b) => a.number - b.number);
  const { best: head, claim } = summarize(run, lineage);
  const imported = lineage.imported;
  const waiting = imported ? [] : rows.filter((row) => statusOf(row) === null);
  const roster = [...new Set([...(lineage.started?.roster ?? []), ...rows.map(({ proposal }) => proposal.specialist)])];
  const slotsEach = lineage.started?.slotsPerReplicate ?? 1;
  const slots = [...lineage.nodes.values()].reduce((sum, node) => sum + node.slots.length, 0) / slotsEach;
  return {
    run, metric: lineage.started?.objective.metric ?? 'score', direction: lineage.started?.objective.direction ?? 'minimize',
    baseline: head.from, best: head.trial !== BASELINE && head.score !== null ? { trial: head.trial, score: head.score } : null,
    claim: claim && { delta: claim.delta, interval: claim.interval, n: claim.n },
    roster, width: Math.max(1, imported ? roster.length : Math.floor(slots)), slotsEach,
    trials: rows.flatMap((row): TrialRecord[] => {
      const status = statusOf(row) ?? (imported ? 'damaged' as const : null);
      if (status === null || status === 'rejected') return []; // A1
      const seconds = slotSecondsOf(row);
      return [{
        trial: row.trial, specialist: row.proposal.specialist, parent: row.proposal.parent, status, hypothesis: row.proposal.hypothesis,
        seconds: seconds > 0 ? seconds : null, endedAt: row.endedAt ?? (status === 'damaged' && row.admittedAt > 0 ? row.admittedAt : null),
      }];
    }),
    lostRows: imported?.damagedRows.filter(({ place }) => place === null).length ?? 0, // A2
    refused: rows.filter((row) => statusOf(row) === 'rejected').length, waiting: waiting.length,
    interventions: imported ? null : lineage.operatorActs.length,
  };
}
