import type { Limits } from '../domain/budget.ts';
import { Mistake } from './mistake.ts';
import { number } from './number.ts';

/** The flags that set a run's limits, as they were typed. */
export interface LimitFlags { readonly trials?: string; readonly minutes?: string; readonly slotSeconds?: string; readonly patience?: string; readonly tokens?: string; readonly money?: string }

interface LimitFlag { readonly flag: string; readonly name: keyof LimitFlags; readonly limit: keyof Limits; readonly least: number; readonly most: number; readonly whole: boolean; readonly unit: number }

const FLAGS: readonly LimitFlag[] = [
  { flag: '--trials', name: 'trials', limit: 'trials', least: 0, most: 1e6, whole: true, unit: 1 },
  { flag: '--minutes', name: 'minutes', limit: 'wallSeconds', least: 0.01, most: 1e6, whole: false, unit: 60 },
  { flag: '--slot-seconds', name: 'slotSeconds', limit: 'slotSeconds', least: 1, most: 1e9, whole: false, unit: 1 },
  { flag: '--patience', name: 'patience', limit: 'secondsWithoutKeep', least: 0.01, most: 1e6, whole: false, unit: 60 },
  { flag: '--tokens', name: 'tokens', limit: 'tokens', least: 1, most: 1e12, whole: true, unit: 1 },
  { flag: '--money', name: 'money', limit: 'money', least: 0.01, most: 1e9, whole: false, unit: 1 },
];

/** The limits that flags name; those they leave out are not in it. Throws `Mistake` naming the flag. */
export const limitsOf = (flags: LimitFlags): Partial<Limits> => Object.fromEntries(given(flags).map(({ flag, limit, least, most, whole, unit, text }) => {
  if (text.startsWith('+')) throw new Mistake(`${flag} ${text}: +N adds to the limits of a run that is resumed: leave the + out`);
  return [limit, number(flag, text, least, most, whole) * unit];
}));

/** What flags make of the limits a run last had: `+N` adds to one, a plain number replaces it. Throws `Mistake`, for what can be said without the run at once. */
export function extendBy(flags: LimitFlags): (limits: Limits) => Limits {
  const changes = given(flags).map((one) => ({ ...one, by: number(one.flag, one.text.replace(/^\+/, ''), one.least, one.most, one.whole) * one.unit }));
  return (limits) => ({ ...limits, ...Object.fromEntries(changes.map(({ flag, limit, text, by }) => {
    const had = limits[limit];
    if (!text.startsWith('+')) return [limit, by];
    if (had === null) throw new Mistake(`${flag} ${text} adds to a limit that the run does not have: leave the + out`);
    return [limit, had + by];
  })) });
}

/** Flags with which a run that has used up its limits can go on, as much again of each; none when it may go on as it is. */
export const furtherFlags = (limits: Limits, used: Partial<Limits>): string[] => FLAGS.flatMap(({ flag, limit, unit }) => {
  const [most, spent = null] = [limits[limit], used[limit]];
  const parts = limit === 'money' ? 100 : 1; // a run may cost less than a whole unit
  return most === null || spent === null || spent < most ? [] : [`${flag} +${Math.max(1, Math.ceil(Number(((spent / unit) * parts).toFixed(6)))) / parts}`];
});

const given = (flags: LimitFlags): (LimitFlag & { readonly text: string })[] => FLAGS.flatMap((one) => { const text = flags[one.name]; return text === undefined ? [] : [{ ...one, text: String(text) }]; });
