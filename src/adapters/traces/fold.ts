import { createHash } from 'node:crypto';
import { NO_LIMITS } from '../../domain/budget.ts';
import type { BodyOf, Fact, IdsOf, Word } from '../../domain/fact.ts';
import { oneLine } from '../../domain/figures.ts';
import { BASELINE, type TrialId } from '../../domain/ids.ts';
import { emptyLineage, grow, type Lineage } from '../../domain/lineage.ts';
import { gain } from '../../domain/objective.ts';
import { canonicalRecipe } from '../../domain/recipe.ts';
import type { TraceRow } from './row.ts';
import type { Trace } from './trace.ts';

// A trace told as facts and folded like any journal, so that every view of our own runs is a view of it.
//
//   D1. Nothing is told that the trace does not say: no diff, no device, no seed. What a field demands and nobody knows is empty.
//   D2. A damaged row with a place is admitted and never ends; one without a place is only counted.
//   D3. Which machine ran what is not in a trace. Trials lie on as many lanes as overlapped, which is the fewest machines that could have.
//   D4. Where the metric is a time and `total_s` repeats it on every scored row, it is the time of one seed: the trial took `n_seeds` times as long.

/** Recipes are not part of a trace: every trial has this one, which is empty. */
export const NO_RECIPE = new TextEncoder().encode(canonicalRecipe({}));
const NO_RECIPE_HASH = createHash('sha256').update(NO_RECIPE).digest('hex');
const NODE = 'imported';
/** How an imported proposal came to be is not known; its author's name is. */
const PROPOSER = { kind: 'replay', strategy: 'imported', moves: [] } as const;
const DEVICE = 'unknown';

/** Folds a trace; `digest` is that of its results.tsv. */
export function foldTrace(run: string, trace: Trace, { source, digest, intact }: { readonly source: string; readonly digest: string; readonly intact: boolean }): Lineage {
  const lineage = emptyLineage();
  const { metric, direction, grounds } = trace.columns;
  const tell = <W extends Word>(at: number, word: W, ids: IdsOf<W>, body: BodyOf<W>): void => {
    grow(lineage, { word, ids, body, seq: lineage.applied + 1, at } as unknown as Fact, run, () => true);
  };
  const times = trace.rows.flatMap(({ at }) => (at === null ? [] : [at]));
  const first = times.length > 0 ? Math.min(...times) : 0;
  const last = times.length > 0 ? Math.max(...times) : 0;
  const roster = [...new Set(trace.rows.flatMap(({ trial, specialist }) => (trial === BASELINE ? [] : [specialist])))];
  const objective = { metric, unit: unitOf(metric), direction, range: [-Number.MAX_VALUE, Number.MAX_VALUE] as const };
  tell(first, 'run.started', [], {
    surface: NODE, surfaceHash: digest, evaluator: NODE, evaluatorHash: digest, objective, snapshot: NO_RECIPE_HASH, roster,
    arm: { kind: roster.length === 1 ? 'single' : 'specialists', agents: Math.max(1, roster.length), ownership: 'advisory', lineage: true }, proposer: 'replay', seed: 0,
    keep: { kind: 'strict', alpha: 0.01, replicates: 2 }, limits: NO_LIMITS, calibrationReplicates: 1, slotsPerReplicate: 1, leaseTtlMs: 1000, brigade: NODE,
  });
  const secondsOf = lengthOf(trace);
  const lanes = lanesOf(trace, secondsOf);
  tell(first, 'node.enrolled', [NODE, NODE], {
    publicKey: '', slots: [...new Set(lanes.values())].map((slot) => ({ slot, kind: 'gpu' as const, memoryBytes: 0 })), device: DEVICE, evaluatorHash: digest, environmentHash: digest, sandbox: 'none', canaries: [],
  });
  const admit = (at: number, trial: TrialId, proposal: { specialist: string; parent: TrialId; hypothesis: string; expectedDelta: number }): void => tell(at, 'trial.admitted', [trial], {
    proposal: { ...proposal, asOf: 0, patch: '', parts: [], proposer: PROPOSER, tokens: 0, money: 0 }, snapshot: NO_RECIPE_HASH, feedback: null, clientId: trial,
  });
  if (trace.rows.every((row) => row.kind !== 'whole' || row.trial !== BASELINE)) { // whoever names the root as its parent needs it
    admit(first, BASELINE, { specialist: 'baseline', parent: BASELINE, hypothesis: 'the starting recipe', expectedDelta: 0 });
    tell(first, 'run.best', ['0'], { trial: BASELINE, score: null, snapshot: NO_RECIPE_HASH, judgedAt: lineage.applied });
  }
  for (const row of trace.rows) {
    const at = row.at ?? 0;
    if (row.kind === 'damaged') { // D2
      admit(at, row.trial, { specialist: row.specialist, parent: row.parent, hypothesis: oneLine(row.says), expectedDelta: NaN });
      continue;
    }
    const { trial, specialist, score, delta, status, numbers, hypothesis, notes } = row;
    const seconds = secondsOf(row);
    const parent = row.parent ?? BASELINE;
    admit(at - (seconds ?? 0) * 1000, trial, { specialist, parent, hypothesis, expectedDelta: row.expectedDelta });
    const judgedAt = lineage.applied;
    const standing = lineage.bests.at(-1);
    const scoreSource = score === null ? 'evaluator' : 'recipe'; // nothing here was measured by us: a score stands by the trace's own word
    const { artifact_bytes: bytes = null, ...metrics } = numbers;
    const phases = Object.entries(numbers).flatMap(([name, value]) => (/_s$/.test(name) && name !== 'total_s' ? [{ name: name.slice(0, -2), seconds: value, wallSeconds: value, censored: false }] : []));
    const slot = lanes.get(trial) ?? 'lane1';
    if (Object.keys(metrics).length > 0) {
      tell(at, 'lease.granted', [trial, 's1', '1'], { trial, replicate: 's1', attempt: 1, node: NODE, slots: [slot], purpose: 'search', snapshot: NO_RECIPE_HASH, ttlMs: 1000 });
      tell(at, 'trial.measured', [trial, 's1', '1', NODE], {
        signature: '', heldMs: (seconds ?? 0) * 1000,
        measurement: { score, scoreSource, failure: null, metrics, phases, artifactBytes: bytes, gates: [], seed: 0, device: DEVICE, evaluatorHash: digest, environmentHash: digest, sandbox: 'none', log: null },
      });
    }
    const isBest = status === 'baseline' || (status === 'keep' && score !== null && (standing?.score == null || gain(objective, score, standing.score) > 0));
    if (isBest) tell(at, 'run.best', [String(lineage.bests.length)], { trial, score, snapshot: NO_RECIPE_HASH, judgedAt });
    tell(at, 'trial.result', [trial], {
      status, specialist, parent, hypothesis, score, scoreSource, deltaVsBest: delta, judgedAgainst: row.against ?? standing?.trial ?? BASELINE, judgedAt,
      p: null, n: numbers.n_seeds ?? (score === null ? 0 : 1), sd: null, why: notes, failure: null, artifactBytes: bytes, phases,
      attempt: 1, node: null, slots: [], device: null, evaluatorHash: null, snapshot: NO_RECIPE_HASH,
    });
  }
  const worked = trace.rows.filter(({ trial }) => trial !== BASELINE).flatMap((row) => (row.at === null ? [] : [row.at - (row.kind === 'whole' ? secondsOf(row) ?? 0 : 0) * 1000]));
  tell(last, 'run.stopped', ['0'], { reason: `imported from ${source}: read-only`, wallSeconds: worked.length > 0 ? Math.max(0, last - Math.min(...worked)) / 1000 : 0 });
  lineage.imported = { source, intact, rows: trace.lines, columns: trace.columns.own, grounds, damagedRows: trace.damagedRows, damagedCells: trace.damagedCells, notices: [...trace.notices, ...(isOfOneSeed(trace) ? [`total_s repeats ${metric}, a mean over seeds: a trial's length is read as total_s times n_seeds`] : [])], tree: trace.tree };
  return lineage;
}

/** The fewest lanes on which no two trials overlap: each takes the first that is free when it starts (D3). */
function lanesOf(trace: Trace, secondsOf: (row: TraceRow) => number | null): Map<TrialId, string> {
  const spans = trace.rows.flatMap((row) => {
    const seconds = row.kind === 'whole' ? secondsOf(row) : null;
    return row.at === null || seconds === null ? [] : [{ trial: row.trial, from: row.at - seconds * 1000, to: row.at }];
  }).sort((a, b) => a.from - b.from);
  const free: number[] = [];
  return new Map(spans.map(({ trial, from, to }) => {
    const found = free.findIndex((until) => until <= from);
    const lane = found < 0 ? free.length : found;
    free[lane] = to;
    return [trial, `lane${lane + 1}`];
  }));
}

/** Whether `total_s` is the time of one seed (D4). */
function isOfOneSeed({ columns, rows }: Trace): boolean {
  const scored = rows.flatMap((row) => (row.kind === 'whole' && row.score !== null && row.numbers.total_s !== undefined && (row.numbers.n_seeds ?? 0) > 1 ? [row] : []));
  return /_s$/.test(columns.metric) && scored.length > 1 && scored.every(({ score, numbers }) => score === numbers.total_s);
}

/** How long a trial took; null where its row does not say. */
function lengthOf(trace: Trace): (row: TraceRow) => number | null {
  const ofOneSeed = isOfOneSeed(trace);
  return ({ numbers }) => (numbers.total_s === undefined ? null : numbers.total_s * (ofOneSeed ? numbers.n_seeds ?? 1 : 1));
}

const unitOf = (metric: string): string => (/_s$|seconds/.test(metric) ? 's' : /(^|_)bpb$/.test(metric) ? 'bpb' : '');
