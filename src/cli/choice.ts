import { Mistake } from './mistake.ts';

/** One of the values a flag can have. Throws `Mistake` naming the flag. */
export function choice<const T extends string>(flag: string, value: string, choices: readonly T[]): T {
  const found = choices.find((one) => one === value);
  if (found === undefined) throw new Mistake(`${flag} ${value} must be ${choices.length === 1 ? choices[0] : `one of ${choices.join(', ')}`}`);
  return found;
}
