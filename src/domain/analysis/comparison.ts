import type { Compared } from './arms.ts';
import { armsOf, differences } from './arms.ts';
import { courseOf, cutAt, deltaAt, usedOf, type Budget, type Course } from './course.ts';
import { estimate, type Estimate } from './estimate.ts';
import { factsOf, FEATURES, type Feature, type RunFacts } from './features.ts';

// Arms side by side, at equal budget.
//
//   P1. Every run is cut at what the shortest used, unless whole runs are asked for: an arm that had more must not look better for it.
//   P2. A figure of an arm is the mean over its runs; one run has no interval.
//   P3. Two arms are also compared seed by seed, where each has exactly one run of the seed: what a seed brings about for both drops out.

/** A point of the control figure: an arm's change from its start once so much was used. */
export interface CurvePoint { readonly used: number; readonly delta: Estimate | null }

/** One arm with its runs and what they came to. */
export interface ArmOutcome {
  readonly arm: string;
  readonly courses: readonly Course[];
  /** By the features' order. */
  readonly features: readonly (Estimate | null)[];
  readonly curve: readonly CurvePoint[];
}

/** Another arm minus the first, over the seeds that both have. */
export interface PairedDifference { readonly arm: string; readonly against: string; readonly seeds: readonly number[]; readonly features: readonly (Estimate | null)[] }

/** Everything that is said of some arms. */
export interface Comparison {
  readonly surface: string;
  readonly metric: string;
  readonly direction: 'minimize' | 'maximize';
  /** By what runs were made equal, at how much, and which run set it; null for whole runs. */
  readonly at: { readonly budget: Budget; readonly most: number; readonly setBy: string } | null;
  /** What the figure's axis is. */
  readonly axis: Budget;
  readonly features: readonly Feature[];
  readonly arms: readonly ArmOutcome[];
  readonly paired: readonly PairedDifference[];
  readonly warnings: readonly string[];
}

/** Points of a curve over slot-seconds. */
const POINTS = 240;
/** A budget of slot-seconds that differs by less is the clock's noise. */
const MUCH = 1.1;

/** Compares runs by arm; they must be comparable. */
export function compare(runs: readonly Compared[], budget: Budget | 'all'): Comparison {
  const whole = runs.map((one) => ({ one, course: courseOf(one.run, one.lineage) }));
  const courses = whole.map(({ course }) => course);
  const axis = budget === 'all' ? 'trials' : budget;
  const used = courses.map((course) => usedOf(course, axis));
  const most = Math.min(...used);
  const cut = new Map(whole.map(({ one, course }) => [one, budget === 'all' ? course : cutAt(course, one.lineage, budget, most)])); // P1
  const reach = budget === 'all' ? Math.max(...used) : most;
  const arms = armsOf(runs).map(({ arm, runs: members }) => {
    const own = members.flatMap((one) => cut.get(one) ?? []);
    const facts = own.map(factsOf);
    return { arm, courses: own, facts, features: FEATURES.map(({ of }) => estimate(facts.map(of))), curve: curveOf(own, axis, reach) }; // P2
  });
  const shown = FEATURES.map(({ isIdleAtZero }, i) => arms.some(({ features }) => { const found = features[i] ?? null; return found !== null && (found.mean !== 0 || isIdleAtZero !== true); }));
  const pick = <T>(all: readonly T[]): T[] => all.filter((_, i) => shown[i]);
  const started = runs[0]?.lineage.started;
  const [first, ...others] = arms;
  return {
    surface: started?.surface ?? '', metric: started?.objective.metric ?? 'score', direction: started?.objective.direction ?? 'minimize',
    at: budget === 'all' ? null : { budget, most, setBy: courses[used.indexOf(most)]?.run ?? '' }, axis, features: pick(FEATURES),
    arms: arms.map(({ arm, courses: own, features, curve }) => ({ arm, courses: own, features: pick(features), curve })),
    paired: first === undefined ? [] : others.map((other) => { const pair = paired(first, other); return { ...pair, features: pick(pair.features) }; }),
    warnings: [...differences(runs), ...uneven(courses, budget), ...unscored(courses)],
  };
}

/** The change over the budget; unknown from where one of the runs had ended. */
const curveOf = (courses: readonly Course[], axis: Budget, reach: number): CurvePoint[] => Array.from({ length: (axis === 'trials' ? reach : POINTS) + 1 }, (_, i): CurvePoint => {
  const used = axis === 'trials' ? i : (i / POINTS) * reach;
  return { used, delta: axis === 'trials' && courses.some((course) => usedOf(course, axis) < used) ? null : estimate(courses.map((course) => deltaAt(course, axis, used))) };
});

function paired(first: { readonly arm: string; readonly facts: readonly RunFacts[] }, other: { readonly arm: string; readonly facts: readonly RunFacts[] }): PairedDifference { // P3
  const only = (facts: readonly RunFacts[], seed: number): RunFacts | null => { const found = facts.filter(({ course }) => course.seed === seed); return found.length === 1 ? found[0] ?? null : null; };
  const pairs = [...new Set(first.facts.map(({ course }) => course.seed))].flatMap((seed) => {
    const [a, b] = [only(first.facts, seed), only(other.facts, seed)];
    return a !== null && b !== null && a.course.record.interventions !== null && b.course.record.interventions !== null ? [{ seed, a, b }] : []; // the seed of an imported run is not recorded
  });
  return {
    arm: other.arm, against: first.arm, seeds: pairs.map(({ seed }) => seed),
    features: FEATURES.map(({ of }) => estimate(pairs.map(({ a, b }) => { const [x, y] = [of(a), of(b)]; return x === null || y === null ? null : y - x; }))),
  };
}

/** Budgets that differ by so much that whole runs would not be a fair comparison. */
function uneven(courses: readonly Course[], budget: Budget | 'all'): string[] {
  return (['trials', 'slot-seconds'] as const).flatMap((each) => {
    if (each === budget) return [];
    const used = courses.map((course) => usedOf(course, each));
    const [least, most] = [Math.min(...used), Math.max(...used)];
    if (most <= least * (each === 'trials' ? 1 : MUCH)) return [];
    return [`${each} differ: from ${Math.round(least)} (${courses[used.indexOf(least)]?.run ?? ''}) to ${Math.round(most)} (${courses[used.indexOf(most)]?.run ?? ''}); --at ${each} cuts every run at the least`];
  });
}

const unscored = (courses: readonly Course[]): string[] => courses.filter(({ start, steps }) => start !== null && steps.some(({ delta }) => delta === null)).map(({ run }) => `the baseline of ${run} has no score: its start is its first keep`);
