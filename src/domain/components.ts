import { BASELINE, trialNumber, type TrialId } from './ids.ts';

// What a kept recipe is made of.
//
//   C1. A component is a kept trial that changed something by itself. A kept trial is made of what it was built on, and of itself; one that merges
//       others, of what it was built on and of what each of them changed, without what those were built on.
//   C2. What a trial that was not kept did on the way belongs to the kept trial that was built on it.

/** The author of trials that only merge: no specialist of a surface may have its name. */
export const COMPOSER = 'composer';

/** As much of a trial as says what it is made of. */
export interface Made { readonly trial: TrialId; readonly parent: TrialId; readonly parts: readonly TrialId[]; readonly isKept: boolean }

export interface Components {
  /** What a trial is made of: of one that was not kept, what it merges or was built on. */
  of(trial: TrialId): ReadonlySet<TrialId>;
  /** The kept trial, or the baseline, that a component was built on (C2). */
  ground(trial: TrialId): TrialId;
  /** Kept components that a trial is not made of, in the order of their numbers. */
  apart(trial: TrialId): TrialId[];
}

/** Reads the components off the trials of a run. */
export function openComponents(trials: Iterable<Made>): Components {
  const known = new Map([...trials].map((made) => [made.trial, made]));
  const memory = new Map<TrialId, ReadonlySet<TrialId>>([[BASELINE, new Set()]]);
  const ground = (trial: TrialId): TrialId => {
    let at = known.get(trial)?.parent ?? BASELINE;
    for (let steps = 0; steps < known.size && at !== BASELINE && known.get(at)?.isKept !== true; steps++) at = known.get(at)?.parent ?? BASELINE;
    return at;
  };
  const of = (trial: TrialId): ReadonlySet<TrialId> => {
    const before = memory.get(trial);
    if (before) return before;
    memory.set(trial, new Set()); // a forged circle ends here
    const made = known.get(trial);
    const own = made === undefined ? [] : made.parts.length > 0 ? made.parts.flatMap((part) => ((known.get(part)?.parts.length ?? 0) > 0 ? [...of(part)] : [part])) : made.isKept ? [trial] : []; // C1
    const under = made === undefined ? [] : [...of(ground(trial)), ...own];
    const found = new Set(under.sort((a, b) => trialNumber(a) - trialNumber(b)));
    memory.set(trial, found);
    return found;
  };
  return {
    of, ground,
    apart(trial) {
      const has = of(trial);
      const all = new Set([...known.values()].filter(({ isKept }) => isKept).flatMap((made) => [...of(made.trial)]));
      return [...all].filter((component) => !has.has(component)).sort((a, b) => trialNumber(a) - trialNumber(b));
    },
  };
}

/** One text for a set of components. */
export const nameOfSet = (components: Iterable<TrialId>): string => [...components].sort((a, b) => trialNumber(a) - trialNumber(b)).join('+');
