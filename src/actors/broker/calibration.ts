import type { Calibrated } from '../../domain/fact.ts';
import { BASELINE, type NodeId, type RunId } from '../../domain/ids.ts';
import type { TrialRow } from '../../domain/lineage.ts';
import { sample } from '../../domain/noise.ts';
import type { Ports } from '../../ports.ts';
import { unlike } from './decide.ts';
import type { Keeper } from './keeper.ts';

// The baseline: admitted before any other trial, and measured, unless an earlier run has measured its equal.

/** Baselines measured by earlier runs of the same surface, evaluator, environment and device. */
export interface Calibrations {
  find(key: CalibrationKey): Promise<Calibrated | null>;
  keep(key: CalibrationKey, calibrated: Calibrated): Promise<void>;
}
export interface CalibrationKey { readonly surfaceHash: string; readonly evaluatorHash: string; readonly environmentHash: string; readonly device: string; readonly replicates: number }

/** What a broker does about the baseline of its run. */
export interface Baseline {
  admit(): Promise<void>;
  /** Says what its replicates yielded, and keeps that for later runs. */
  calibrate(row: TrialRow): Promise<void>;
  /** Takes over an equal calibration, once a node is there to say which would be equal. */
  reuse(): Promise<void>;
  /** Whether an earlier calibration was looked for by what this node is: only then may it be leased the baseline. */
  wasLookedFor(node: NodeId): boolean;
}

/** Opens the baseline of one run. */
export function openBaseline({ presence }: Ports, calibrations: Calibrations, keeper: Keeper, run: RunId): Baseline {
  const { lineage } = keeper;
  const asked = new Set<NodeId>();
  const keyOf = (from: { device: string; evaluatorHash: string; environmentHash: string }): CalibrationKey =>
    ({ surfaceHash: lineage.started?.surfaceHash ?? '', replicates: lineage.started?.calibrationReplicates ?? 0, device: from.device, evaluatorHash: from.evaluatorHash, environmentHash: from.environmentHash });
  return {
    wasLookedFor: (node) => asked.has(node),
    async admit() {
      const snapshot = lineage.started?.snapshot ?? '';
      await keeper.say('trial.admitted', [BASELINE], {
        snapshot, feedback: null, clientId: 'baseline',
        proposal: { specialist: 'baseline', parent: BASELINE, asOf: 0, hypothesis: 'the calibrated starting recipe', expectedDelta: 0, patch: '', parts: [], proposer: { kind: 'operator', strategy: 'baseline', moves: [] }, tokens: 0, money: 0 },
      });
    },
    async calibrate(row) {
      const measurements = [...row.replicates.values()].flatMap((r) => (r.measured ? [r.measured.measurement] : []));
      const first = measurements[0];
      if (!first || !lineage.started) return;
      const scores = sample(measurements.flatMap((m) => (m.failure === null && m.score !== null ? [m.score] : [])));
      const calibrated: Calibrated = { reusedFrom: null, device: first.device, evaluatorHash: first.evaluatorHash, environmentHash: first.environmentHash, mean: scores.n > 0 ? scores.mean : null, sd: scores.sd, measurements };
      await keeper.say('run.calibrated', [], calibrated);
      if (scores.n >= 2) await calibrations.keep(keyOf(calibrated), { ...calibrated, reusedFrom: run }).catch((error: unknown) => presence.log('warn', 'the calibration could not be kept for later runs', { error: String(error) }));
    },
    async reuse() {
      if (lineage.calibration || !lineage.started) return;
      for (const [node, enrolled] of lineage.nodes) {
        if (asked.has(node) || unlike(lineage, enrolled) !== null) continue; // B3
        asked.add(node);
        const found = await calibrations.find(keyOf(enrolled));
        if (found) { await keeper.say('run.calibrated', [], found); return; }
      }
    },
  };
}
