/** What a run improves, frozen at its start. */
export interface Objective {
  readonly metric: string;
  readonly unit: string;
  readonly direction: 'minimize' | 'maximize';
  /** A score outside this range is no score: it is a broken or a dishonest measurement. */
  readonly range: readonly [number, number];
  /** `fresh`: a confirmation measures the incumbent anew, turn by turn with the contender, because what is compared may drift (a time does); otherwise the incumbent's replicates are reused. */
  readonly confirm?: 'fresh' | undefined;
}

/** Score change against a reference, in the metric's own sign: negative is better when minimizing. */
export const delta = (score: number, reference: number): number => score - reference;

/** How much better `score` is than `reference`, positive when better whatever the direction. */
export const gain = (objective: Objective, score: number, reference: number): number =>
  objective.direction === 'minimize' ? reference - score : score - reference;

/** Whether a number may stand as a score of this objective. */
export const isScore = (objective: Objective, score: number): boolean =>
  Number.isFinite(score) && score >= objective.range[0] && score <= objective.range[1];
