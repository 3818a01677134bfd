import type { Failure, GateReading, PhaseReading } from '../../domain/measurement.ts';
import { sample } from '../../domain/noise.ts';
import { isScore } from '../../domain/objective.ts';
import type { EvaluatorSpec } from '../../domain/surface.ts';
import type { Scored } from '../../protocols/scored.ts';

// From what each seed of a replicate yielded to its score and gates.
//
//   Z1. Every seed was trained and evaluated in sandboxes of its own, so that nothing of one can serve another.
//   Z2. Score and metrics are means over the seeds. A gate that evaluator.yaml declares is judged once, on its mean; one that the scorer judged itself, for every seed.
//   Z3. A score in seconds is made here, of the evaluator's own readings: nobody else's word is in it.
//   Z4. A missing number is unknown, never zero; a number out of range is no number.

/** What one seed yielded, evaluated to its end. */
export interface Seed {
  readonly score: number | null;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Readings of the seed that is being measured: those after the last evaluation that ended. */
export function readingsOfSeed(spec: EvaluatorSpec, readings: readonly PhaseReading[]): readonly PhaseReading[] {
  const last = spec.phases.find(({ role }) => role === 'eval');
  const ends = [last?.name, ...last?.milestones.map(({ name }) => name) ?? []];
  return readings.slice(readings.findLastIndex(({ name }) => ends.includes(name)) + 1);
}

/** One reading for each phase: what it took over all seeds together. */
export function addReadings(readings: readonly PhaseReading[]): PhaseReading[] {
  const sums = new Map<string, PhaseReading>();
  for (const reading of readings) {
    const { name } = reading;
    const sum = sums.get(name);
    sums.set(name, sum === undefined ? reading : { name, seconds: sum.seconds + reading.seconds, wallSeconds: sum.wallSeconds + reading.wallSeconds, censored: sum.censored || reading.censored });
  }
  return [...sums.values()];
}

/** One gate of each name, the one that was nearest to its limit or past it: a gate that the scorer judges is judged once a seed. */
export function tightest(gates: readonly GateReading[]): GateReading[] {
  const found = new Map<string, GateReading>();
  const room = ({ value, limit, passed }: GateReading): number => (passed ? Math.abs(value - limit) : -Math.abs(value - limit));
  for (const gate of gates) {
    const other = found.get(gate.name);
    if (other === undefined || room(gate) < room(other)) found.set(gate.name, gate);
  }
  return [...found.values()];
}

/** What one seed yielded: the scorer's number, or the seconds of the phases that are the score (Z3). */
export function seedOf(spec: EvaluatorSpec, scored: Extract<Scored, { kind: 'scored' }>, readings: readonly PhaseReading[]): Seed {
  const { scoreSeconds } = spec;
  const seconds = (): number => readings.reduce((sum, { name, seconds }) => sum + (scoreSeconds?.includes(name) ? seconds : 0), 0);
  return { score: scoreSeconds === null ? scored.score : seconds(), metrics: scored.metrics };
}

/** A gate that was missed, as a failure. */
export const disqualified = ({ name, value, limit, standardError }: GateReading): Failure => {
  const deficit = Math.abs(value - limit);
  return { kind: 'disqualified', gate: name, value, limit, deficit, ...(standardError === undefined || standardError === 0 ? {} : { standardErrors: deficit / standardError }) };
};

export interface Pooled {
  readonly score: number | null;
  readonly metrics: Readonly<Record<string, number>>;
  readonly gates: readonly GateReading[];
  readonly failures: readonly Failure[];
  /** Why there is no score although no gate was missed; null when there is one. */
  readonly unknown: string | null;
}

/** The means of all seeds, and the declared gates judged on them (Z2). */
export function pool(spec: EvaluatorSpec, seeds: readonly Seed[]): Pooled {
  const names = Object.keys(seeds[0]?.metrics ?? {}).filter((name) => seeds.every(({ metrics }) => metrics[name] !== undefined));
  const samples = new Map(names.map((name) => [name, sample(seeds.flatMap(({ metrics }) => metrics[name] ?? []))]));
  const metrics = Object.fromEntries([...samples].map(([name, { mean }]) => [name, mean]));
  const scores = sample(seeds.flatMap(({ score }) => score ?? []));
  const score = scores.n === seeds.length ? scores.mean : null;
  if (score !== null) samples.set(spec.objective.metric, samples.get(spec.objective.metric) ?? scores);
  const gates = spec.gates.flatMap((gate): GateReading[] => {
    const values = samples.get(gate.name);
    if (values === undefined) return [];
    const standardError = values.n > 1 ? values.sd / Math.sqrt(values.n) : metrics[`${gate.name}_se`];
    const passed = gate.at === 'least' ? values.mean >= gate.limit : values.mean <= gate.limit;
    return [{ name: gate.name, value: values.mean, limit: gate.limit, passed, ...(standardError === undefined ? {} : { standardError }) }];
  });
  const missed = gates.filter(({ passed }) => !passed).map(disqualified);
  const unknown = spec.gates.filter(({ name }) => !samples.has(name)).map(({ name }) => name);
  const none = { score: null, metrics, gates };
  if (score === null) return { ...none, failures: missed, unknown: missed.length > 0 ? null : 'the scorer gave neither a score nor a gate that was missed' }; // Z4
  if (unknown.length > 0) return { ...none, failures: missed, unknown: `the scorer gave no ${unknown.join(', ')}, which a gate needs` }; // Z4
  if (!isScore(spec.objective, score)) { // Z4
    const limit = score < spec.objective.range[0] ? spec.objective.range[0] : spec.objective.range[1];
    return { ...none, failures: [...missed, disqualified({ name: 'range', value: score, limit, passed: false })], unknown: null };
  }
  return { score, metrics, gates, failures: missed, unknown: null };
}
