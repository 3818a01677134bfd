import { namesOn } from './authors.ts';
import { BASELINE, type TrialId } from './ids.ts';
import { statusOf, type Lineage, type TrialRow } from './lineage.ts';
import { gain } from './objective.ts';
import { scoredFor, scoreOn } from './purpose.ts';
import { isShownToSpecialists, isValid, type Status } from './status.ts';

// What a specialist reads of many trials, kept up as trials end: a lineage of a hundred thousand is looked through once.
//
//   V1. Trials count in the order they ended, so that a survey is the same whenever it was begun.
//   V2. A trial that ended never changes again; those still open are looked at anew each time.

/** A change smaller than this many standard deviations of one run says nothing. */
const NOISE_SDS = 2;
const TOP = 20;
const RECENT = 10;
/** Patterns of one specialist that are remembered, and those that are told. */
const PATTERNS = 5_000;
const TOLD = 60;

export interface Pattern { readonly pattern: string; kept: number; failed: number; noise: number; worse: number; last: TrialId; lastSeq: number }
export interface Predicted { n: number; expected: number; measured: number; rightSign: number; error: number }

export interface Survey {
  /** Best scored trials: keeps in the order they were kept, the newest first, then the others as they would read on search data. */
  readonly top: readonly TrialRow[];
  /** Own trials that ended, newest first. */
  readonly mine: readonly TrialRow[];
  /** Everybody's trials that ended, newest first. */
  readonly recent: readonly TrialRow[];
  /** What own trials tried in vain, most often first. */
  readonly fruitless: readonly Pattern[];
  readonly predicted: Readonly<Predicted>;
  /** How the last own trials went, newest first. */
  readonly lastFive: readonly ('invalid' | 'noise' | 'moved')[];
}

interface Own { readonly mine: Shortlist<TrialRow>; readonly patterns: Map<string, Pattern>; readonly predicted: Predicted }
interface Digest {
  readonly noise: number;
  readonly rows: Iterator<TrialRow>;
  seen: number;
  open: TrialRow[];
  /** The best by their bare scores: those that were screened, and those that were confirmed. */
  readonly top: Readonly<Record<'search' | 'confirm', Shortlist<TrialRow>>>;
  readonly recent: Shortlist<TrialRow>;
  readonly own: Map<string, Own>;
}

const digests = new WeakMap<Lineage, Digest>();

/** What one specialist reads of all trials that have ended. */
export function survey(lineage: Lineage, specialist: string): Survey {
  const noise = NOISE_SDS * (lineage.calibration?.sd ?? 0);
  const known = digests.get(lineage);
  const digest = known?.noise === noise ? known : begin(lineage, noise);
  digests.set(lineage, digest);
  catchUp(lineage, digest);
  const own = digest.own.get(specialist) ?? beginOwn();
  const fruitless = shortlist<Pattern>(TOLD, (a, b) => (vain(a) !== vain(b) ? vain(a) > vain(b) : a.lastSeq > b.lastSeq));
  for (const pattern of own.patterns.values()) if (pattern.kept === 0) fruitless.offer(pattern);
  return {
    top: topOf(lineage, digest), recent: digest.recent.kept, mine: own.mine.kept, fruitless: fruitless.kept, predicted: own.predicted,
    lastFive: own.mine.kept.slice(0, 5).map((row) => {
      const status = statusOf(row);
      if (status === 'keep') return 'moved';
      if (status === null || !isValid(status)) return 'invalid';
      return Math.abs(row.result?.deltaVsBest ?? Infinity) <= noise ? 'noise' : 'moved';
    }),
  };
}

function begin(lineage: Lineage, noise: number): Digest {
  const objective = lineage.started?.objective;
  const betterFirst = (a: TrialRow, b: TrialRow): boolean => {
    const byScore = objective ? gain(objective, a.result?.score ?? 0, b.result?.score ?? 0) : 0;
    return byScore !== 0 ? byScore > 0 : a.number < b.number;
  };
  return { noise, rows: lineage.trials.values(), seen: 0, open: [], top: { search: shortlist(TOP, betterFirst), confirm: shortlist(TOP, betterFirst) }, recent: shortlist(RECENT, newerFirst), own: new Map() };
}

/** What was kept leads, so that a lucky screening never does; how far the two kinds of data lie apart may have been learnt since a row ended. */
function topOf(lineage: Lineage, { top }: Digest): readonly TrialRow[] {
  const objective = lineage.started?.objective;
  const kept = lineage.bests.slice(-TOP).toReversed().flatMap(({ trial }) => { const row = lineage.trials.get(trial); return row?.result?.score == null ? [] : [row]; });
  const others = [...top.search.kept, ...top.confirm.kept].filter((row) => !kept.includes(row) && statusOf(row) !== 'keep')
    .map((row) => ({ row, score: scoreOn(lineage, row, 'search') ?? 0 }))
    .sort((a, b) => (objective ? gain(objective, b.score, a.score) : 0) || a.row.number - b.row.number);
  return [...kept, ...others.map(({ row }) => row)].slice(0, TOP);
}

const beginOwn = (): Own => ({ mine: shortlist(RECENT, newerFirst), patterns: new Map(), predicted: { n: 0, expected: 0, measured: 0, rightSign: 0, error: 0 } });

function catchUp(lineage: Lineage, digest: Digest): void {
  const looked = digest.open; // V2
  for (; digest.seen < lineage.trials.size; digest.seen++) { // never asked past its end, so that it goes on when trials are added
    const { value, done } = digest.rows.next();
    if (!done) looked.push(value);
  }
  const ended = looked.filter((row) => statusOf(row) !== null).sort((a, b) => a.seq - b.seq); // V1
  digest.open = looked.filter((row) => statusOf(row) === null);
  for (const row of ended) count(lineage, digest, row);
}

function count(lineage: Lineage, digest: Digest, row: TrialRow): void {
  const status = statusOf(row);
  if (status === null || !isShownToSpecialists(status)) return;
  const valid = isValid(status);
  if (valid && row.result?.score != null) digest.top[scoredFor(row)].offer(row);
  if (row.trial === BASELINE) return;
  digest.recent.offer(row);
  for (const author of namesOn(row.proposal)) countFor(lineage, digest, row, { author, status });
}

/** Counts an ended trial for one of those whose names are on it; what was predicted is its proposer's word alone. */
function countFor(lineage: Lineage, digest: Digest, row: TrialRow, { author, status }: { readonly author: string; readonly status: Status }): void {
  const valid = isValid(status);
  const own = digest.own.get(author) ?? beginOwn();
  digest.own.set(author, own);
  own.mine.offer(row);
  const delta = row.result?.deltaVsBest ?? null;
  const name = patternOf(lineage, row);
  const pattern = own.patterns.get(name) ?? { pattern: name, kept: 0, failed: 0, noise: 0, worse: 0, last: row.trial, lastSeq: row.seq };
  if (own.patterns.size < PATTERNS || own.patterns.has(name)) own.patterns.set(name, pattern);
  pattern.last = row.trial;
  pattern.lastSeq = row.seq;
  if (status === 'keep') pattern.kept += 1;
  else if (!valid) pattern.failed += 1;
  else if (delta === null || delta * (lineage.started?.objective.direction === 'maximize' ? -1 : 1) <= digest.noise) pattern.noise += 1; // better, but not surely so, is no dead end
  else pattern.worse += 1;
  if (delta === null || !valid || author !== row.proposal.specialist) return;
  const expected = row.proposal.expectedDelta;
  own.predicted.n += 1;
  own.predicted.expected += expected;
  own.predicted.measured += delta;
  own.predicted.error += Math.abs(expected - delta);
  if (Math.sign(expected) === Math.sign(delta)) own.predicted.rightSign += 1;
}

const vain = ({ failed, noise, worse }: Pattern): number => failed + noise + worse;
const newerFirst = (a: TrialRow, b: TrialRow): boolean => a.seq > b.seq;

/** What a trial added to its parent: its new moves, or its hypothesis when it names none. */
function patternOf(lineage: Lineage, row: TrialRow): string {
  const { moves } = row.proposal.proposer;
  if (moves.length === 0) return row.proposal.hypothesis.slice(0, 120);
  const before = lineage.trials.get(row.proposal.parent)?.proposal.proposer.moves ?? [];
  const added = moves.filter((move) => !before.includes(move));
  return (added.length === 0 ? `without ${before.filter((move) => !moves.includes(move)).join(' ')}` : added.join(' + ')).slice(0, 200);
}

interface Shortlist<T> { readonly kept: T[]; offer(item: T): void }

/** The first few of many, kept in order as they are offered. */
function shortlist<T>(most: number, comesFirst: (a: T, b: T) => boolean): Shortlist<T> {
  const kept: T[] = [];
  return {
    kept,
    offer(item) {
      const last = kept[most - 1];
      if (last !== undefined && !comesFirst(item, last)) return;
      let at = kept.length;
      for (; at > 0; at--) { const before = kept[at - 1]; if (before === undefined || !comesFirst(item, before)) break; }
      kept.splice(at, 0, item);
      if (kept.length > most) kept.pop();
    },
  };
}
