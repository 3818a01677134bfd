import type { Failure, GateReading, Measurement, PhaseReading, SandboxLevel } from '../../domain/measurement.ts';
import type { MilestoneSeen, PhaseEnd, Sealed } from '../../domain/phase.ts';
import type { EvaluatorSpec, PhaseSpec } from '../../domain/surface.ts';
import type { Scored } from '../../protocols/scored.ts';
import { addReadings, disqualified, pool, readingsOfSeed, seedOf, tightest, type Seed } from './seeds.ts';
import { bareEvidence, lastLine, readTraceback, tame } from './traceback.ts';

// From what was observed to one measurement.
//
//   D1. Every cause that applies is kept until the end; the first in priority is the failure.
//   D2. What was measured before or beside a failure is kept: bytes over the cap are worth more with the score they would have had.
//   D3. Our own faults are never a recipe's.
//   D4. A missing number is unknown, never zero; a number out of range is no number.

const REFUSES = /^(?:ENOSPC|EDQUOT|EROFS): |^(?:OSError|the auditor: OSError|what the phase left in scratch could not be copied out|the warden ended \([^)]*\): OSError): \[Errno (?:28|122|30)\] /;

/** Whether what went wrong says that this node's disk takes nothing more: what it refused to one measurement it will refuse to the next. The words are the system's or the warden's own, never a recipe's. */
export const isDiskFull = (reason: string): boolean => REFUSES.test(reason);

/** What is known of one replicate so far. */
export interface Findings {
  /** One for every phase that ran, of one seed after the other. */
  readonly readings: readonly PhaseReading[];
  /** The seeds that were evaluated to their end. */
  readonly seeds: readonly Seed[];
  readonly failures: readonly Failure[];
  readonly score: number | null;
  readonly metrics: Readonly<Record<string, number>>;
  readonly gates: readonly GateReading[];
  readonly artifactBytes: number | null;
  /** True when the scorer said that its number is the recipe's own word. */
  readonly isClaimed?: boolean;
  /** True when nothing more can be learnt by going on. */
  readonly isOver: boolean;
}

/** What is known of a replicate before its first phase. */
export const nothingFound: Findings = { readings: [], seeds: [], failures: [], score: null, metrics: {}, gates: [], artifactBytes: null, isOver: false };

/** One phase as seen from outside, when all of it is dead. */
export interface PhaseSeen {
  readonly end: PhaseEnd;
  /** The scorer's word, parsed; null when there was none, and the reason when it could not be read. */
  readonly scored: Scored | null;
  readonly unreadable: string | null;
  /** A recipe file or trusted file that changed meanwhile. */
  readonly changed: string | null;
  /** The artifact of a smoke run, which projects the size; null after any other phase. */
  readonly sealed: Sealed | null;
  readonly recipeBytes: number;
}

/** A smoke run's artifact is close to the final size, not equal to it: weights that have learnt compress a little better or worse. Past this it never fits. */
const CLEARLY_OVER = 1.15;

const PRIORITY: readonly Failure['kind'][] = [
  'harness_abort', 'tampered', 'preflight_crash', 'crash', 'size_blocked', 'train_budget_overrun', 'eval_budget_overrun', 'disqualified',
];

/** Adds what one phase taught. */
export function afterPhase(found: Findings, spec: EvaluatorSpec, phase: PhaseSpec, seen: PhaseSeen): Findings {
  const failures = [...judgeEnd(phase, seen), ...(seen.changed === null ? [] : [tampered('a protected file was changed', seen.changed)])];
  const sized = seen.sealed === null || failures.length > 0 ? {} : sizeUp(spec, phase, seen.sealed, seen.recipeBytes);
  const readings = [...found.readings, ...readingsOf(phase, seen.end)];
  const scored = phase.role === 'eval' && failures.length === 0 ? readScore(found, spec, readings, seen) : {};
  const all = [...failures, ...(sized.failures ?? []), ...(scored.failures ?? [])];
  return {
    readings,
    seeds: scored.seeds ?? found.seeds,
    failures: [...found.failures, ...all],
    score: scored.score ?? found.score,
    metrics: { ...found.metrics, ...scored.metrics },
    gates: tightest([...found.gates, ...(scored.gates ?? [])]),
    artifactBytes: sized.artifactBytes ?? found.artifactBytes,
    ...(found.isClaimed === true || (seen.scored?.kind === 'scored' && seen.scored.scoreSource === 'recipe') ? { isClaimed: true } : {}),
    isOver: all.some((failure) => failure.kind !== 'size_blocked') || sized.isFatal === true || scored.seeds?.length === spec.seeds,
  };
}

/** Adds what the sealed artifact taught: a recipe over its cap is still scored (D2). */
export function afterSeal(found: Findings, spec: EvaluatorSpec, phase: PhaseSpec, sealed: Sealed, recipeBytes: number): Findings {
  const { artifactBytes, failures = [], isFatal = false } = sizeUp(spec, phase, sealed, recipeBytes);
  return { ...found, artifactBytes: Math.max(artifactBytes ?? 0, found.artifactBytes ?? 0) || null, failures: [...found.failures, ...failures], isOver: isFatal };
}

/** One reading for a phase, or one for each of its milestones that began. */
const readingsOf = (phase: PhaseSpec, end: PhaseEnd): PhaseReading[] =>
  end.milestones?.map(({ name, seconds, reached }, i, all) => ({ name, seconds, wallSeconds: seconds + (i < all.length - 1 ? 0 : auditSeconds(end, all)), censored: !reached && end.kind === 'over-budget' }))
  ?? [{ name: phase.name, seconds: end.seconds, wallSeconds: end.wallSeconds, censored: end.kind === 'over-budget' }];

/** What a phase held its slot for beyond its stretches: its audit. */
const auditSeconds = ({ wallSeconds }: PhaseEnd, milestones: readonly MilestoneSeen[]): number => Math.max(0, wallSeconds - milestones.reduce((sum, { seconds }) => sum + seconds, 0));

/** How a phase that ended otherwise than it should is called; empty when it ended well. */
function judgeEnd(phase: PhaseSpec, { end, scored, unreadable }: PhaseSeen): Failure[] {
  const word: Failure[] = scored?.kind === 'tampered' ? [tampered(scored.what, scored.where)] : [];
  switch (end.kind) {
    case 'exited':
      if (end.code !== 0) return [...word, crash(phase, end, `exit code ${end.code}`)];
      if (word.length > 0) return word;
      if (scored?.kind === 'hung-up') return [crash(phase, end, `the ${scored.who} ended before everything was asked`)];
      if (unreadable !== null) return [abort(`the scorer could not be read: ${unreadable}`)]; // D3
      if (phase.scorer !== null && scored === null) return [crash(phase, end, 'the predictor ended before it was scored')];
      if (phase.scorer === null && end.milestones?.at(-1)?.reached === false) return [crash(phase, end, `it ended in ${end.milestones.at(-1)?.name ?? ''}, before the line that ends it`)];
      return [];
    case 'signalled': return [...word, crash(phase, end, end.outOfMemory ? 'out of memory' : `killed by ${end.signal}`)];
    case 'over-budget': return [...word, overrun(phase, end, end.by)];
    case 'killed': return [abort(end.why === 'silence' ? 'the node fell silent and its warden killed the phase' : 'the phase was stopped')]; // D3
    case 'scorer-failed': return [abort(`the scorer failed: ${lastLine(end.message)}`)]; // D3
    case 'not-started': return [abort(`the sandbox did not start: ${end.reason}`)]; // D3
    default: return end satisfies never;
  }
}

const tampered = (what: string, where: string): Failure => ({ kind: 'tampered', what: tame(what, 400), where: tame(where, 400) });
const abort = (reason: string): Failure => ({ kind: 'harness_abort', reason: tame(reason.replace(/\s+/g, ' '), 400) });

function crash(phase: PhaseSpec, end: PhaseEnd, otherwise: string): Failure {
  const evidence = phase.scorer !== null ? bareEvidence(end.logTail, otherwise) : readTraceback(end.logTail) ?? { exception: [otherwise, lastLine(end.logTail)].filter((text) => text !== '').join(': '), frame: '' };
  return { kind: phase.role === 'smoke' ? 'preflight_crash' : 'crash', phase: phase.name, ...evidence };
}

function overrun(phase: PhaseSpec, end: PhaseEnd, by: 'clock' | 'wall' | 'milestone'): Failure {
  const late = by === 'milestone' ? end.milestones?.at(-1) : undefined;
  const milestone = phase.milestones.find(({ name }) => name === late?.name);
  const [seconds, budget] = late && milestone ? [late.seconds, milestone.budgetSeconds] : by === 'clock' ? [end.seconds, phase.budgetSeconds] : [end.wallSeconds, phase.wallSeconds];
  if (phase.role === 'smoke') return { kind: 'preflight_crash', phase: phase.name, exception: `the smoke run was not done after ${budget} s`, frame: readTraceback(end.logTail)?.frame ?? '' };
  const whole = phase.milestones.length > 0 ? tame(phase.milestones.map(({ name }) => name).join(' + '), 32) : phase.name; // one of its stretches bears the phase's name, and was not late
  return { kind: phase.role === 'train' ? 'train_budget_overrun' : 'eval_budget_overrun', phase: late?.name ?? whole, seconds, budget, censored: true };
}

interface Sized { readonly artifactBytes?: number; readonly failures?: readonly Failure[]; readonly isFatal?: boolean }

/** Weighs an artifact together with the recipe's code. */
function sizeUp(spec: EvaluatorSpec, phase: PhaseSpec, sealed: Sealed, recipeBytes: number): Sized {
  const cap = spec.artifact.capBytes;
  const isProjection = phase.role === 'smoke';
  if (sealed.kind === 'forged') return { failures: [tampered(sealed.what, spec.artifact.file)], isFatal: true };
  if (sealed.kind === 'absent') {
    if (isProjection) return {};
    return { failures: [{ kind: 'crash', phase: phase.name, exception: `training ended without leaving ${spec.artifact.file} as a regular file`, frame: '' }], isFatal: true };
  }
  const bytes = sealed.bytes + recipeBytes;
  const limit = cap === null ? Infinity : isProjection ? cap * CLEARLY_OVER : cap;
  if (bytes <= limit && sealed.kind === 'sealed') return isProjection ? {} : { artifactBytes: bytes };
  return { artifactBytes: bytes, failures: [{ kind: 'size_blocked', bytes, cap: cap ?? spec.limits.scratchBytes, projected: isProjection }], isFatal: isProjection || sealed.kind === 'too-large' }; // D2
}

interface ScoreRead { readonly seeds?: readonly Seed[]; readonly score?: number; readonly metrics?: Readonly<Record<string, number>>; readonly gates?: readonly GateReading[]; readonly failures?: readonly Failure[] }

/** What a phase that ended well says of its seed, and with the last seed the score and the gates of them all. */
function readScore(found: Findings, spec: EvaluatorSpec, readings: readonly PhaseReading[], { scored }: PhaseSeen): ScoreRead {
  if (scored?.kind !== 'scored') return { failures: [abort(`${spec.name} has no scorer, so it cannot say a score`)] };
  const seeds = [...found.seeds, seedOf(spec, scored, readingsOfSeed(spec, found.readings).concat(readings.slice(-1)))];
  const missed = scored.gates.filter((gate) => !gate.passed).map(disqualified);
  if (missed.length > 0 && seeds.length < spec.seeds) return { metrics: scored.metrics, gates: scored.gates, failures: missed };
  if (seeds.length < spec.seeds) return { seeds, gates: scored.gates };
  const { score, metrics, gates, failures, unknown } = pool(spec, seeds);
  const kept = { seeds, metrics, gates: [...scored.gates, ...gates], ...(score === null ? {} : { score }) };
  return { ...kept, failures: [...missed, ...failures, ...(unknown === null || (score === null && missed.length > 0) ? [] : [abort(unknown)])] };
}

/** Our own fault, found outside any phase. */
export const abandon = (found: Findings, reason: string): Findings => ({ ...found, failures: [...found.failures, abort(reason)], isOver: true });

/** What every measurement of a node says beside its findings. */
export interface Provenance {
  readonly seed: number;
  readonly scoreSource: 'evaluator' | 'recipe';
  readonly device: string;
  readonly evaluatorHash: string;
  readonly environmentHash: string;
  readonly sandbox: SandboxLevel;
  readonly log: string | null;
}

/** The measurement of one replicate: a score, or the failure that comes first in priority (D1) with all that was measured beside it (D2). */
export function conclude(found: Findings, provenance: Provenance): Measurement {
  const failure = PRIORITY.flatMap((kind) => found.failures.find((one) => one.kind === kind) ?? [])[0] ?? null;
  const none = failure === null && found.score === null;
  return {
    score: found.score, failure: none ? { kind: 'harness_abort', reason: 'the replicate ended without a score' } : failure,
    metrics: found.metrics, phases: addReadings(found.readings), artifactBytes: found.artifactBytes, gates: found.gates,
    ...provenance, scoreSource: found.isClaimed === true ? 'recipe' : provenance.scoreSource,
  };
}
