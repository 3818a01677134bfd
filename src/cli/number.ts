import { Mistake } from './mistake.ts';

/** A flag's number. Throws `Mistake` naming the flag and what it may be. */
export function number(flag: string, value: string, least: number, most: number, whole: boolean): number {
  const n = Number(value);
  if (value.trim() === '' || !Number.isFinite(n) || n < least || n > most || (whole && !Number.isInteger(n))) throw new Mistake(`${flag} ${value} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}`);
  return n;
}
