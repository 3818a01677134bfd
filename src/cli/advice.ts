import { BASELINE } from '../domain/ids.ts';
import { describeFailure } from '../domain/evidence.ts';
import type { Lineage } from '../domain/lineage.ts';
import type { Failure } from '../domain/measurement.ts';
import type { Blobs } from '../ports.ts';

// What a person must mend before a surface can be searched, read off its calibration.

const LAST_LINES = 12;

/** Lines on a baseline that could not be measured, or that says nothing of chance; empty for one that is as it should be. */
export async function adviceOnBaseline(lineage: Lineage, blobs: Pick<Blobs, 'get'>): Promise<readonly string[]> {
  const { started, calibration } = lineage;
  if (!started || !calibration) return [];
  const failed = calibration.measurements.find(({ failure }) => failure !== null && failure.kind !== 'disqualified');
  if (failed?.failure) {
    const log = failed.log === null ? null : await blobs.get(failed.log);
    const lines = log === null ? [] : new TextDecoder().decode(log).split('\n').filter((line) => line.trim() !== '').slice(-LAST_LINES);
    const many = calibration.measurements.filter(({ failure }) => failure !== null).length;
    return [
      '', `the baseline failed on ${many} of ${calibration.measurements.length} seeds: ${failed.failure.kind}, ${describeFailure(failed.failure)}`,
      ...(lines.length === 0 ? ['it printed nothing'] : ['the last lines it printed:', ...lines.map((line) => `  ${line}`)]),
      remedy(failed.failure, started.surface, started.evaluator),
    ];
  }
  if (calibration.measurements.length < 2 || calibration.mean === null || calibration.sd > 0 || lineage.trials.get(BASELINE)?.result?.status !== 'baseline') return [];
  return ['', `all ${calibration.measurements.length} seeds of the baseline scored the same: it does not use its seed, so nothing tells a gain from chance. Let it take BRIGADE_SEED from its environment; a wrapped command may also have {seed} in evaluators/${started.evaluator}/command.json`];
}

function remedy(failure: Failure, surface: string, evaluator: string): string {
  switch (failure.kind) {
    case 'crash':
    case 'preflight_crash': return `mend the recipe in surfaces/${surface}/recipe, or how evaluators/${evaluator} runs and reads it; then brigade calibrate ${surface}`;
    case 'train_budget_overrun':
    case 'eval_budget_overrun': return `let the recipe do less, or raise budget and wall of ${failure.phase} in evaluators/${evaluator}/evaluator.yaml; then brigade calibrate ${surface}`;
    case 'size_blocked': return `raise the cap in evaluators/${evaluator}/evaluator.yaml, or make the artifact smaller; then brigade calibrate ${surface}`;
    case 'tampered':
    case 'harness_abort':
    case 'disqualified': return `look at evaluators/${evaluator}, which measured it; then brigade calibrate ${surface}`;
    default: return failure satisfies never;
  }
}
