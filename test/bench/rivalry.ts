import { gain } from '../../src/domain/objective.ts';
import { probability, signed } from '../../src/domain/figures.ts';
import { sample, studentQuantile } from '../../src/domain/noise.ts';
import { summarize } from '../../src/domain/summary.ts';
import type { CampaignRun } from './campaign.ts';

/** What one run of a campaign came to; gains are positive when better, whatever the objective's direction. */
export interface Score {
  readonly proposer: string; readonly seed: number; readonly run: string;
  /** Of the final claim; 0 where nothing was kept, because then the baseline is the answer. */
  readonly gain: number;
  readonly interval: readonly [number, number] | null;
  readonly p: number | null;
  readonly keeps: number; readonly trials: number; readonly discards: number; readonly failures: number; readonly refused: number;
  readonly slotSeconds: number;
}

/** A mean over seeds with its 95 % interval (Student's t, n − 1 degrees of freedom); none for a single seed. */
export interface Mean { readonly n: number; readonly mean: number; readonly sd: number | null; readonly interval: readonly [number, number] | null }

export interface Rivalry {
  readonly surface: string; readonly metric: string; readonly trials: number;
  readonly scores: readonly Score[];
  readonly means: readonly ({ readonly proposer: string } & Mean)[];
  /** The yardstick's gain less the rival's, seed by seed. */
  readonly differences: readonly ({ readonly yardstick: string; readonly rival: string } & Mean)[];
}

/** Sets the runs of a campaign against one another. */
export function compare(surface: string, trials: number, runs: readonly CampaignRun[]): Rivalry {
  const scores = runs.map(scoreOf);
  const proposers = [...new Set(scores.map(({ proposer }) => proposer))];
  const gainOf = (proposer: string, seed: number): number | undefined => scores.find((score) => score.proposer === proposer && score.seed === seed)?.gain;
  const [yardstick = '', ...rivals] = proposers;
  return {
    surface, metric: runs[0]?.lineage.started?.objective.metric ?? 'score', trials, scores,
    means: proposers.map((proposer) => ({ proposer, ...meanOf(scores.filter((score) => score.proposer === proposer).map((score) => score.gain)) })),
    differences: rivals.map((rival) => ({
      yardstick, rival,
      ...meanOf(scores.filter((score) => score.proposer === yardstick).flatMap((score) => { const other = gainOf(rival, score.seed); return other === undefined ? [] : [score.gain - other]; })),
    })),
  };
}

/** Mean, spread and interval of some values. */
export function meanOf(values: readonly number[]): Mean {
  const { n, mean, sd } = sample(values);
  if (n < 2) return { n, mean, sd: null, interval: null };
  const reach = studentQuantile(0.975, n - 1) * sd / Math.sqrt(n);
  return { n, mean, sd, interval: [mean - reach, mean + reach] };
}

function scoreOf({ run, proposer, seed, lineage, slotSeconds }: CampaignRun): Score {
  const { keeps, trials, discards, failures, rejected: refused } = summarize(run, lineage);
  const objective = lineage.started?.objective;
  const { claim } = lineage;
  if (objective === undefined) throw new Error(`${run} has no first fact`);
  const ends = (claim?.interval ?? []).map((end) => gain(objective, end, 0)).sort((a, b) => a - b);
  const [low, high] = ends;
  return {
    proposer, seed, run, gain: claim ? gain(objective, claim.delta, 0) : 0, interval: low === undefined || high === undefined ? null : [low, high], p: claim?.p ?? null,
    keeps, trials, discards, failures, refused, slotSeconds: Math.round(slotSeconds * 10) / 10,
  };
}

const HEAD = ['seed', 'proposer', 'gain', '95 % interval', 'p', 'keeps', 'trials', 'failures', 'slot-seconds'] as const;
const range = (interval: readonly [number, number] | null): string => (interval ? `${signed(interval[0])} … ${signed(interval[1])}` : '');
const cells = (score: Score): string[] => [String(score.seed), score.proposer, signed(score.gain), score.interval ? range(score.interval) : 'nothing kept', score.p === null ? '' : probability(score.p), String(score.keeps), String(score.trials), String(score.failures), score.slotSeconds.toFixed(0)];
const rowsOf = ({ scores }: Rivalry): string[][] => [[...HEAD], ...[...scores].sort((a, b) => a.seed - b.seed).map(cells)];
const lines = ({ means, differences, metric }: Rivalry): string[] => [
  ...means.map(({ proposer, n, mean, interval }) => `${proposer}: gains ${signed(mean)} ${metric} on average${interval ? ` (95 % interval ${range(interval)})` : ''}, n = ${n}`),
  ...differences.map(({ yardstick, rival, n, mean, interval }) => `${yardstick} less ${rival}, seed by seed: ${signed(mean)} ${metric}${interval ? ` (95 % interval ${range(interval)}, Student's t)` : ' (one seed has no interval)'}, n = ${n}`),
];

/** The comparison in columns, for a terminal. */
export function plainRivalry(rivalry: Rivalry): string {
  const rows = rowsOf(rivalry);
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return `${rivalry.surface}: ${rivalry.trials} trials of ${rivalry.means[0]?.proposer ?? ''}, and as many slot-seconds for each rival; gains are of the final claim, positive is better\n\n${rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd()).join('\n')}\n\n${lines(rivalry).join('\n')}\n`;
}

/** The same for a surface's README. */
export function markdownRivalry(rivalry: Rivalry): string {
  const [head = [], ...rows] = rowsOf(rivalry).map((row) => `| ${row.join(' | ')} |`);
  return `${String(head)}\n|${HEAD.map(() => '---').join('|')}|\n${rows.join('\n')}\n\n${lines(rivalry).map((line) => `- ${line}`).join('\n')}\n`;
}
