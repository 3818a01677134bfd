import { isMine, join, proposed, ranked, sayMove, valueBefore, type Bench, type Candidate } from './candidate.ts';
import { isSingle, type Attempt } from './history.ts';
import { between, knobsOf, numberOf, step, type Knob } from '../moves/knob.ts';
import { editMove, knobMove, readMove, slotOf } from '../moves/move.ts';

// Repairing: a failure says what was missing, and the next attempt supplies it.
//
//   R1. Too large: half the step, or the same beside something of mine that is smaller.
//   R2. Too slow: half the step, or the same beside less of something countable.
//   R3. A gate missed: half the step, the other direction, or the same beside what restored the score before.
//   R4. Crashed: never the same move alone; a number may go half as far, once.
//   R5. A failure is repaired at most `ATTEMPTS` times, repairs of its repairs included, and not at all when what it measured was worse than its parent.

const ATTEMPTS = 3;
/** Older failures were repaired or given up, and so with what may stand beside them; looking at all of it would cost a long run its speed. */
const RECENT = 32;

/** What all attempts say that bears on repairs, looked up once. */
interface Findings {
  /** How often each failure, or what it began with, was repaired. */
  readonly repairs: ReadonlyMap<string, number>;
  /** Single changes of mine: those that made artifacts smaller, and those that gained and are not part of the best. */
  readonly savers: readonly { readonly attempt: Attempt; readonly bytes: number }[];
  readonly gains: readonly Attempt[];
  /** Every slot whose change once made an artifact smaller. */
  readonly saving: ReadonlySet<string>;
}

/** Repairs of this specialist's failures, the newest failure first. */
export function repair(bench: Bench): Candidate[] {
  const failures = bench.history.attempts.filter((attempt) => attempt.verdict === 'failed' && attempt.put.length > 0 && [...attempt.put, ...attempt.taken].every((move) => isMine(bench, move)));
  if (failures.length === 0) return [];
  const findings = findingsOf(bench);
  return failures.slice(-RECENT).toReversed().filter((attempt) => isPromising(bench, findings, attempt)).flatMap((attempt) => remedies(bench, findings, attempt).flatMap(({ put, how }) => proposed(bench, {
    stamp: `repair(${attempt.row.trial})`, put, hypothesis: `${how} (repairs ${attempt.row.trial}): ${describe(bench, attempt)}`,
  })));
}

function findingsOf(bench: Bench): Findings {
  const repairs = new Map<string, number>();
  const smaller: { attempt: Attempt; bytes: number }[] = [];
  for (const attempt of bench.history.attempts) {
    const bytes = saved(bench, attempt);
    if (bytes > 0) smaller.push({ attempt, bytes });
    if (!attempt.row.strategy.startsWith('repair(')) continue;
    const family = familyOf(bench, attempt.row.trial, attempt.row.strategy);
    repairs.set(family, (repairs.get(family) ?? 0) + 1);
  }
  const isMineAlone = (attempt: Attempt): boolean => isSingle(attempt) && attempt.put.every((move) => isMine(bench, move));
  return {
    repairs, savers: smaller.filter(({ attempt }) => isMineAlone(attempt)), saving: new Set(smaller.flatMap(({ attempt }) => attempt.put.map(slotOf))),
    gains: bench.history.attempts.filter((attempt) => (attempt.verdict === 'better' || attempt.verdict === 'kept') && isMineAlone(attempt) && !attempt.put.some((move) => bench.moves.includes(move))),
  };
}

const isPromising = (bench: Bench, { repairs }: Findings, attempt: Attempt): boolean => // R5
  (repairs.get(familyOf(bench, attempt.row.trial, attempt.row.strategy)) ?? 0) < ATTEMPTS && (attempt.gain === null || attempt.gain > 0);

/** The failure that a chain of repairs began with. */
function familyOf(bench: Bench, trial: string, strategy: string): string {
  const repaired = /^repair\((.+)\)$/.exec(strategy)?.[1];
  const before = repaired === undefined ? undefined : bench.history.byId(repaired);
  return before === undefined ? trial : familyOf(bench, before.trial, before.strategy);
}

interface Remedy { readonly put: readonly string[]; readonly how: string }

function remedies(bench: Bench, findings: Findings, attempt: Attempt): Remedy[] {
  switch (attempt.row.status) {
    case 'size_blocked': return [...halves(bench, attempt), ...smaller(bench, findings, attempt), ...lessOf(bench, findings, attempt, sizeRatio(attempt), 'to fit')]; // R1
    case 'train_budget_overrun':
    case 'eval_budget_overrun': return [...halves(bench, attempt), ...lessOf(bench, findings, attempt, timeRatio(attempt), 'to be done in time')]; // R2
    case 'disqualified': return [...halves(bench, attempt), ...reversed(bench, attempt), ...besideGains(bench, findings, attempt)]; // R3
    case 'crash':
    case 'preflight_crash': return isSingle(attempt) && !attempt.row.strategy.startsWith('repair') ? halves(bench, attempt) : []; // R4
    default: return [];
  }
}

/** How much smaller it must get, with a margin because size is not the knob's alone. */
const sizeRatio = (attempt: Attempt): number => (attempt.row.failure?.kind === 'size_blocked' ? (0.95 * attempt.row.failure.cap) / Math.max(1, attempt.row.failure.bytes) : 0.7);

function timeRatio(attempt: Attempt): number {
  const failure = attempt.row.failure;
  const overran = failure?.kind === 'train_budget_overrun' || failure?.kind === 'eval_budget_overrun';
  return overran && !failure.censored ? (0.95 * failure.budget) / Math.max(failure.budget, failure.seconds) : 0.5; // killed: how long it would have taken is unknown
}

function halves(bench: Bench, attempt: Attempt): Remedy[] {
  return attempt.put.flatMap((text) => {
    const { knob, move } = knobIn(bench, attempt, text);
    const before = move === null ? null : valueBefore(bench, attempt, move);
    const value = knob === null || move === null || before === null || knob.type === 'bool' || knob.type === 'choice' ? null : between(knob, before, move.value);
    return knob === null || value === null ? [] : [{ put: [...attempt.put.filter((other) => other !== text), knobMove(knob, value)], how: `half the step, ${knob.name} ${before} → ${value}` }];
  });
}

function reversed(bench: Bench, attempt: Attempt): Remedy[] {
  return attempt.put.flatMap((text) => {
    const { knob, move } = knobIn(bench, attempt, text);
    const before = move === null ? null : valueBefore(bench, attempt, move);
    if (knob === null || move === null || before === null || knob.type === 'bool' || knob.type === 'choice') return [];
    const value = step(knob, before, numberOf(move.value) > numberOf(before) ? 'down' : 'up', 1.5);
    return value === null ? [] : [{ put: [...attempt.put.filter((other) => other !== text), knobMove(knob, value)], how: `the other way, ${knob.name} ${before} → ${value}` }];
  });
}

/** The failed change beside one of mine that is known to make artifacts smaller by enough. */
function smaller(bench: Bench, { savers }: Findings, attempt: Attempt): Remedy[] {
  const over = attempt.row.failure?.kind === 'size_blocked' ? attempt.row.failure.bytes - attempt.row.failure.cap : Infinity;
  return savers.filter(({ attempt: other, bytes }) => bytes >= over && other.put.every((move) => !attempt.put.map(slotOf).includes(slotOf(move)))).slice(-RECENT)
    .map(({ attempt: other, bytes }) => ({ put: [...attempt.put, ...other.put], how: `with ${sayMove(bench, other.put[0] ?? '')}, which saved ${bytes} bytes in ${other.row.trial},` }));
}

function saved(bench: Bench, attempt: Attempt): number {
  const before = bench.history.byId(attempt.row.parent)?.artifactBytes ?? null;
  return before === null || attempt.row.artifactBytes === null ? 0 : before - attempt.row.artifactBytes;
}

/** The failed change beside less of something countable: the edit's own knobs first, then those that saved bytes before, then the seed's order. */
function lessOf(bench: Bench, { saving }: Findings, attempt: Attempt, ratio: number, purpose: string): Remedy[] {
  const built = bench.build(join(bench, bench.moves, attempt.put));
  if (built.kind === 'refused') return [];
  const named = attempt.put.flatMap((text) => bench.edits.find((edit) => editMove(edit) === text)?.layout.definitions.map((definition) => definition.name) ?? []);
  const weight = (knob: Knob): number => (named.includes(knob.name) ? 0 : saving.has(slotOf(knobMove(knob, ''))) ? 1 : 2);
  const countable = knobsOf(built.recipe, bench.owns, bench.syntax).filter((knob) => knob.type === 'int' && numberOf(knob.value) > 1 && !attempt.put.map(slotOf).includes(slotOf(knobMove(knob, ''))));
  return ranked(bench, countable, (knob) => `less ${knob.file} ${knob.name}`).sort((a, b) => weight(a) - weight(b)).flatMap((knob) => {
    const value = step(knob, knob.value, 'down', ratio > 0.8 ? 1.25 : ratio > 0.6 ? 1.5 : 2);
    return value === null ? [] : [{ put: [...attempt.put, knobMove(knob, value)], how: `${knob.name} ${knob.value} → ${value} ${purpose}` }];
  });
}

function besideGains(bench: Bench, { gains }: Findings, attempt: Attempt): Remedy[] {
  return gains.filter((other) => !other.put.some((move) => attempt.put.includes(move))).slice(-RECENT)
    .map((other) => ({ put: [...attempt.put, ...other.put], how: `beside ${sayMove(bench, other.put[0] ?? '')}, which gained in ${other.row.trial},` }));
}

function knobIn(bench: Bench, attempt: Attempt, text: string): { knob: Knob | null; move: { kind: 'knob'; file: string; name: string; value: string } | null } {
  const move = readMove(text);
  if (move?.kind !== 'knob') return { knob: null, move: null };
  const built = bench.build(join(bench, bench.moves, attempt.put));
  const knobs = built.kind === 'built' ? knobsOf(built.recipe, bench.owns, bench.syntax) : bench.knobs;
  return { knob: knobs.find((other) => other.file === move.file && other.name === move.name) ?? null, move };
}

const describe = (bench: Bench, attempt: Attempt): string => attempt.put.map((move) => sayMove(bench, move)).join('; ');
