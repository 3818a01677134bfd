import type { Lineage } from '../lineage.ts';
import { diversity, type Diversity } from './diversity.ts';
import { edges, type Edges } from './edges.ts';
import { effort, type Effort } from './effort.ts';
import { outcomes, outcomesByRole, type Outcomes, type RoleOutcomes } from './outcomes.ts';
import { recordOf, type RunRecord } from './record.ts';

/** Every table of one run. */
export interface Analysis {
  readonly run: string;
  readonly metric: string;
  readonly direction: 'minimize' | 'maximize';
  readonly outcomes: Outcomes;
  readonly roles: readonly RoleOutcomes[];
  readonly diversity: Diversity | null;
  readonly edges: Edges;
  readonly effort: Effort;
  readonly refused: number;
  readonly waiting: number;
  readonly interventions: number | null;
}

/** Computes every table of some runs. A run of one agent among them is what the others of its metric are compared with, for how well they work in parallel. */
export function analyze(runs: readonly { readonly run: string; readonly lineage: Lineage }[]): Analysis[] {
  const records = runs.map(({ run, lineage }) => recordOf(run, lineage));
  return records.map((record) => {
    const alone = records.filter((other) => other !== record && other.roster.length === 1 && other.width === 1 && other.metric === record.metric && record.width > 1);
    return analyzeOne(record, alone.length === 1 ? alone[0] ?? null : null);
  });
}

const analyzeOne = (record: RunRecord, alone: RunRecord | null): Analysis => ({
  run: record.run, metric: record.metric, direction: record.direction, outcomes: outcomes(record), roles: outcomesByRole(record), diversity: diversity(record),
  edges: edges(record), effort: effort(record, alone), refused: record.refused, waiting: record.waiting, interventions: record.interventions,
});
