import { FAULTS } from './faults/index.ts';

/** What the scripted run was asked for. */
export interface Flags {
  readonly surface: string;
  readonly minutes: number;
  readonly seed: number;
  /** In this order; null for all of them in the order that the seed decides. */
  readonly faults: readonly string[] | null;
  readonly json: string | null;
  readonly slots: number;
  readonly ttlSeconds: number;
  readonly proposer: string;
  /** How many times slower than an idle machine this one is. */
  readonly slow: number;
  /** Added to every measurement of `tiny`, asleep. */
  readonly lingerSeconds: number;
  readonly isApart: boolean;
  /** Whether what was seen is kept although everything held. */
  readonly keep: boolean;
}

export const USAGE = `npm run nodes -- [--surface tiny] [--minutes N] [--seed S] [--faults a,b,c] [--json FILE] [--slots 1] [--ttl SECONDS] [--proposer random] [--slow 1] [--linger SECONDS] [--loopback] [--keep]

Runs a surface on a dozen hosts of this machine under faults, and says what held. Faults:
  ${FAULTS.map(({ name }) => name).join(' ')}`;

/** Reads the command line; throws a sentence. */
export function readFlags(args: readonly string[]): Flags {
  const given = new Map<string, string>();
  const known = ['surface', 'minutes', 'seed', 'faults', 'json', 'slots', 'ttl', 'proposer', 'slow', 'linger', 'loopback', 'keep'];
  for (let i = 0; i < args.length; i++) {
    const name = args[i]?.replace(/^--/, '') ?? '';
    if (!known.includes(name)) throw new Error(`${args[i]} is not known.\n${USAGE}`);
    given.set(name, name === 'loopback' || name === 'keep' ? 'yes' : args[++i] ?? '');
  }
  const number = (name: string, otherwise: number): number => {
    const value = Number(given.get(name) ?? otherwise);
    if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} ${given.get(name)} must be a number`);
    return value;
  };
  const faults = given.get('faults')?.split(',').filter(Boolean) ?? null;
  for (const name of faults ?? []) if (!FAULTS.some((fault) => fault.name === name)) throw new Error(`there is no fault ${name}.\n${USAGE}`);
  return {
    surface: given.get('surface') ?? 'tiny', minutes: number('minutes', 60), seed: number('seed', 1), faults, json: given.get('json') ?? null,
    slots: number('slots', 1), ttlSeconds: number('ttl', 8), proposer: given.get('proposer') ?? 'random', slow: number('slow', 1), lingerSeconds: number('linger', 1.5), isApart: !given.has('loopback'), keep: given.has('keep'),
  };
}
