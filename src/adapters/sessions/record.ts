import { createHash } from 'node:crypto';

const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** A value as one stored text that says whether it is whole. */
export function write(value: unknown): string {
  const text = JSON.stringify(value);
  return `${sumOf(text)}\n${text}`;
}

/** Reads a stored text; throws when it is not as it was written. */
export function read(stored: string): unknown {
  const end = stored.indexOf('\n');
  const text = stored.slice(end + 1);
  if (end < 0 || stored.slice(0, end) !== sumOf(text)) throw new Error('a stored session is not as it was written: its file is damaged');
  return JSON.parse(text) as unknown;
}
