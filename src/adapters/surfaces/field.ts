import { z } from 'zod';
import { TOKEN } from '../../domain/ids.ts';

const UNITS = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 } as const;

/** An amount of memory or storage: a number of bytes, or one with a unit as in `2GB` (powers of 1000) or `64KiB` (of 1024). */
export const size = z.union([z.int().min(1), z.string()], 'give bytes, or a number with a unit such as 64KB, 256MB, 2GB').transform((given, context) => {
  if (typeof given === 'number') return given;
  const read = /^(\d+(?:\.\d+)?) ?([KMGT]?)(i?)B$/.exec(given);
  const unit = read ? UNITS[`${read[2] ?? ''}B` as keyof typeof UNITS] : null;
  if (!read || unit === null || (read[3] === 'i' && unit === 1)) {
    context.addIssue({ code: 'custom', message: 'give a number with a unit such as 64KB, 256MB, 2GB' });
    return z.NEVER;
  }
  return Math.round(Number(read[1]) * (read[3] === 'i' ? 1024 ** Math.round(Math.log10(unit) / 3) : unit));
});

/** One line of words. */
export const words = z.string('give one line of text').min(1, 'give one line of text').max(400, 'give at most 400 characters').regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'give one line without control characters');

/** The name of a folder, a specialist, a phase: it becomes part of a subject. */
export const name = z.string('give a name').regex(TOKEN, 'use 1 to 64 letters, digits, - or _');

/** A number within bounds, as a sentence says them. */
export const number = (least: number, most: number) => z.number(`give a number from ${least} to ${most}`).min(least, `give at least ${least}`).max(most, `give at most ${most}`);

/** A whole number within bounds. */
export const whole = (least: number, most: number) => z.int(`give a whole number from ${least} to ${most}`).min(least, `give at least ${least}`).max(most, `give at most ${most}`);

/** A path inside a folder. */
export const inside = z.string('give a path').regex(/^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*\/)*[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'give a plain path inside the folder');
