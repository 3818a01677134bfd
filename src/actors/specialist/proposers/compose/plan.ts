import { nameOfSet, type Components } from '../../../../domain/components.ts';
import { trialNumber } from '../../../../domain/ids.ts';

// Which sets of components are worth a trial.
//
//   N1. Greedy: each component that the best lacks is put onto it, the largest measured gain first, one at a time; what is kept stays. Each has one turn.
//   N2. Ablating: everything that can be merged at once; then, whatever became of it, the same with one left out at a time, the smallest gain first.
//   N3. Where everything is in the best already, ablating needs no first trial; it is done only when asked for, because it can gain little.
//   N4. A set that some trial is made of is not tried again.

export type ComposeStrategy = 'greedy' | 'ablate';

/** A set to try, and what it is for. */
export interface Target {
  readonly components: ReadonlySet<string>;
  readonly stamp: string;
  /** The components that the best lacks. */
  readonly put: readonly string[];
  /** The component that is left out; null for none. */
  readonly without: string | null;
}

/** A trial as far as the plan goes. */
export interface Tried { readonly trial: string; readonly stamp: string; readonly components: ReadonlySet<string>; readonly isOpen: boolean }

export interface Situation {
  readonly strategy: ComposeStrategy;
  /** Whether a best that nothing lies apart from is taken to pieces too (N3). */
  readonly whole: boolean;
  readonly best: string;
  readonly components: Components;
  readonly gainOf: (component: string) => number;
  /** Every trial that was ever proposed, refused ones too. */
  readonly tried: readonly Tried[];
  /** Whether a set can be merged at all. */
  readonly fits: (components: ReadonlySet<string>) => Promise<boolean>;
}

export type Plan = { readonly kind: 'try'; readonly targets: readonly Target[] } | { readonly kind: 'wait'; readonly reason: string };

/** What to try now, in the order of preference. */
export async function plan(situation: Situation): Promise<Plan> {
  return situation.strategy === 'greedy' ? greedy(situation) : ablating(situation);
}

function greedy({ best, components, gainOf, tried }: Situation): Plan { // N1
  const open = tried.find((one) => one.isOpen && one.stamp.startsWith('greedy('));
  if (open) return { kind: 'wait', reason: `${open.trial} has not ended` };
  const has = components.of(best);
  const left = components.apart(best).filter((component) => !tried.some((one) => one.stamp === `greedy(${component})`));
  if (left.length === 0) return { kind: 'wait', reason: `nothing that was kept lies apart from ${best}` };
  return { kind: 'try', targets: byGain(left, gainOf).reverse().map((component) => ({ components: new Set([...has, component]), stamp: `greedy(${component})`, put: [component], without: null })) };
}

async function ablating({ best, components, gainOf, tried, whole, fits }: Situation): Promise<Plan> { // N2
  const has = components.of(best);
  const apart = components.apart(best);
  const isMerged = tried.some((one) => one.stamp === 'ablate(all)');
  if (apart.length === 0 && !whole && !isMerged) return { kind: 'wait', reason: `nothing that was kept lies apart from ${best}` }; // N3
  let full = new Set(has);
  for (const component of byGain(apart, gainOf).reverse()) {
    const more = new Set([...full, component]);
    if (await fits(more)) full = more;
  }
  const made = tried.filter((one) => nameOfSet(one.components) === nameOfSet(full));
  if (made.length === 0) return { kind: 'try', targets: [{ components: full, stamp: 'ablate(all)', put: [...full].filter((component) => !has.has(component)), without: null }] };
  const open = made.find((one) => one.isOpen);
  if (open) return { kind: 'wait', reason: `${open.trial} has not ended` };
  if (full.size < 2) return { kind: 'wait', reason: `${best} is made of ${full.size} ${full.size === 1 ? 'component' : 'components'}: there is nothing to tell apart` };
  const targets = byGain([...full], gainOf).flatMap((component): Target[] => {
    const rest = new Set([...full].filter((other) => other !== component));
    const isKnown = tried.some((one) => nameOfSet(one.components) === nameOfSet(rest)) || tried.some((one) => one.stamp === stampWithout(component, full)); // N4
    return isKnown ? [] : [{ components: rest, stamp: stampWithout(component, full), put: [...rest].filter((other) => !has.has(other)), without: component }];
  });
  return targets.length === 0 ? { kind: 'wait', reason: 'every component was left out once' } : { kind: 'try', targets };
}

/** How many trials a plan takes from here, at most: what a run is given to spend on it. */
export function mostTrials({ strategy, whole, best, components, tried }: Pick<Situation, 'strategy' | 'whole' | 'best' | 'components'> & { readonly tried: readonly Pick<Tried, 'stamp' | 'components'>[] }): number {
  const apart = components.apart(best);
  if (strategy === 'greedy') return apart.filter((component) => !tried.some((one) => one.stamp === `greedy(${component})`)).length;
  if (apart.length === 0 && !whole) return 0;
  const full = new Set([...components.of(best), ...apart]);
  const isKnown = (set: ReadonlySet<string>): boolean => tried.some((one) => nameOfSet(one.components) === nameOfSet(set));
  const others = full.size < 2 ? [] : [...full].map((component) => new Set([...full].filter((other) => other !== component)));
  return [full, ...others].filter((set) => !isKnown(set)).length;
}

const stampWithout = (component: string, full: ReadonlySet<string>): string => `ablate(without ${component} of ${full.size})`;

/** The smallest gain first; of equals the oldest. */
const byGain = (all: readonly string[], gainOf: (component: string) => number): string[] => [...all].sort((a, b) => gainOf(a) - gainOf(b) || trialNumber(a) - trialNumber(b));
