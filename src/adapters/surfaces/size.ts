import { z } from 'zod';

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Bytes: a whole number, or one with a unit such as `2GB` (decimal) or `2GiB`. */
export const bytes = z.union([z.int().min(1), z.string()]).transform((value, context) => {
  if (typeof value === 'number') return value;
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(value) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined) { context.addIssue({ code: 'custom', message: `${value} is no size: write bytes, or a number with KB, MB or GB` }); return z.NEVER; }
  return Math.round(Number(amount) * factor);
});
