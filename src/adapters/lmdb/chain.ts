import { createHash } from 'node:crypto';
import type { Fact } from '../../domain/fact.ts';
import { FACTS } from '../../protocols/facts.ts';

// A fact as one stored line, and the hash chain over such lines.

/** The chain before the first fact. */
export const CHAIN_START = '0'.repeat(64);

/** One fact as text: server time, subject within its run, and body, each on a line of its own. */
export const rowText = (fact: Fact): string => `${fact.at}\n${[fact.word, ...fact.ids].join('.')}\n${JSON.stringify(fact.body)}`;

/** Reads a row back. It was parsed before it was stored and its chain was checked, so it is not parsed again. */
export function readRow(seq: number, text: string): Fact {
  const first = text.indexOf('\n');
  const second = text.indexOf('\n', first + 1);
  const [noun, verb, ...ids] = text.slice(first + 1, second).split('.');
  const word = `${noun}.${verb}`;
  if (!(word in FACTS)) throw new Error(`stored row ${seq} is no fact`);
  return { word, ids, body: JSON.parse(text.slice(second + 1)) as unknown, seq, at: Number(text.slice(0, first)) } as unknown as Fact;
}

/** The chain after one more row: it binds position, subject, body and time to everything before. */
export function chained(chain: string, seq: number, text: string): string {
  const second = text.indexOf('\n', text.indexOf('\n') + 1);
  const subject = text.slice(text.indexOf('\n') + 1, second);
  const body = createHash('sha256').update(text.slice(second + 1)).digest('hex');
  return createHash('sha256').update(`${chain}\n${seq}\n${subject}\n${body}\n${text.slice(0, text.indexOf('\n'))}`).digest('hex');
}
