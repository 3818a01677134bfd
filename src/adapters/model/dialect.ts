import type { ModelFailed } from '../../ports.ts';

// What endpoints of one protocol do not agree on, found out by being refused.
//
//   D1. Only what means the same by another name is asked otherwise; what was configured (temperature, effort) is never dropped unsaid.
//   D2. Each thing is changed once: an endpoint that takes neither is believed.

/** How one endpoint wants to be asked. */
export interface Dialect {
  /** Name of the cap on the tokens of an answer. */
  readonly cap: 'max_tokens' | 'max_completion_tokens';
  /** Whether it may be asked to report at the end of a stream what was used. */
  readonly reportsUsage: boolean;
  readonly changed: readonly ('cap' | 'usage')[];
}

/** What is tried first: OpenAI's reasoning models refuse the old name of the cap, and elsewhere the new one may not be known. */
export const dialectOf = (baseURL: string): Dialect =>
  ({ cap: /(^|\.)openai\.(com|azure\.com)$/.test(new URL(baseURL).hostname) ? 'max_completion_tokens' : 'max_tokens', reportsUsage: true, changed: [] });

const UNKNOWN = /unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|extra|instead/i;
/** The name is known, and its value refused. */
const OF_VALUE = /too (?:large|high|big)|at most|less than|greater than|must be/i;

/** How to ask again after a refusal that names what it does not know; null where asking otherwise would not help. */
export function otherwise(dialect: Dialect, { kind, message }: Pick<ModelFailed, 'kind' | 'message'>): Dialect | null {
  if (kind !== 'refused' || !/answered 4(?:00|22)\b/.test(message) || !UNKNOWN.test(message) || OF_VALUE.test(message)) return null;
  if (message.includes('stream_options') && !dialect.changed.includes('usage')) return { ...dialect, reportsUsage: false, changed: [...dialect.changed, 'usage'] };
  if (message.includes(dialect.cap) && !dialect.changed.includes('cap')) return { ...dialect, cap: dialect.cap === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens', changed: [...dialect.changed, 'cap'] }; // D2
  return null; // D1
}
