import { z } from 'zod';
import { TOKEN } from '../domain/ids.ts';

// What a message is, and the only place where subjects are built.
//
//   M1. A subject token is an id or a fixed word; an id that could widen a subscription is refused.
//   M2. Every body is a closed schema: an unknown field is a refusal, not a surprise.
//   M3. Whoever has a key of its own asks under its name, which is the last token of the subject: a body cannot speak for another.

/** Decides the guarantee: a fact is said once and kept, a command is answered or fails now, telemetry may be lost. */
export type Kind = 'evt' | 'cmd' | 'tel';

type Params<S extends string> = S extends `${infer Head}.${infer Tail}` ? Params<Head> | Params<Tail> : S extends `:${infer P}` ? P : never;
export type Ids<S extends string> = Readonly<Record<Params<S>, string>>;

const fill = (kind: Kind, pattern: string, ids: Readonly<Record<string, string | undefined>>, wildcard: boolean): string =>
  ['brigade', kind, ...pattern.split('.').map((token) => {
    if (!token.startsWith(':')) return token;
    const id = ids[token.slice(1)];
    if (id === undefined && wildcard) return '*';
    if (id === undefined || !TOKEN.test(id)) throw new TypeError(`${JSON.stringify(id)} cannot be the ${token.slice(1)} of ${pattern}: use 1 to 64 letters, digits, - or _`); // M1
    return id;
  })].join('.');

/** Reads the ids back out of a concrete subject; null when the subject is not of this pattern. */
const read = (kind: Kind, pattern: string, subject: string): Record<string, string> | null => {
  const tokens = subject.split('.');
  const words = ['brigade', kind, ...pattern.split('.')];
  if (tokens.length !== words.length) return null;
  const ids: Record<string, string> = {};
  for (const [i, word] of words.entries()) {
    const token = tokens[i] ?? '';
    if (word.startsWith(':')) { if (!TOKEN.test(token)) return null; ids[word.slice(1)] = token; } else if (word !== token) return null;
  }
  return ids;
};

interface Spoken<S extends string> {
  readonly pattern: S;
  readonly subject: (ids: Ids<S>) => string;
  /** The wildcard subject of a subscriber; missing ids become `*`. */
  readonly filter: (ids?: Partial<Ids<S>>) => string;
  readonly idsOf: (subject: string) => Ids<S> | null;
}

const spoken = <S extends string>(kind: Kind, pattern: S): Spoken<S> => ({
  pattern,
  subject: (ids) => fill(kind, pattern, ids, false),
  filter: (ids = {}) => fill(kind, pattern, ids, true),
  idsOf: (subject) => read(kind, pattern, subject) as Ids<S> | null,
});

export interface FactMessage<S extends string, T> extends Spoken<S> { readonly kind: 'evt'; readonly says: string; readonly body: z.ZodType<T> }
export interface CommandMessage<S extends string, Q, A> extends Spoken<S> {
  readonly kind: 'cmd'; readonly says: string; readonly request: z.ZodType<Q>; readonly reply: z.ZodType<A>;
  /** Whom a request speaks for; one of these must have asked it. Nobody where it is all the same who asks. */
  speakers(request: Q): readonly string[];
}
export interface TelemetryMessage<S extends string, T> extends Spoken<S> { readonly kind: 'tel'; readonly says: string; readonly body: z.ZodType<T> }

/** Declares a fact. `says` names the one actor that may say it. */
export const fact = <const S extends string, T>(pattern: S, says: string, body: z.ZodType<T>): FactMessage<S, T> =>
  ({ kind: 'evt', says, body, ...spoken('evt', pattern) });

/** Declares a command. `says` names who may ask, `speakers` in whose name. */
export const command = <const S extends string, Q, A>(pattern: S, says: string, request: z.ZodType<Q>, reply: z.ZodType<A>, speakers: (request: Q) => readonly string[] = () => []): CommandMessage<S, Q, A> =>
  ({ kind: 'cmd', says, request, reply, speakers, ...spoken('cmd', pattern) });

/** Whether a command is asked under the name of its asker, where that has one (M3): there are many specialists, and they are not one another's. */
export const isUnderName = ({ says }: { readonly says: string }): boolean => says === 'specialist';

/** The subject of a command as one of that name asks it; `*` for all of them. */
export const underName = (subject: string, name: string): string => {
  if (name !== '*' && !TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} cannot ask ${subject}: use 1 to 64 letters, digits, - or _`); // M1
  return `${subject}.${name}`;
};

/** Declares telemetry. `says` names who publishes it. */
export const telemetry = <const S extends string, T>(pattern: S, says: string, body: z.ZodType<T>): TelemetryMessage<S, T> =>
  ({ kind: 'tel', says, body, ...spoken('tel', pattern) });

/** A finite number: NaN is not JSON, and 1e999 parses to Infinity. */
export const finite = z.number().refine(Number.isFinite, 'must be finite');
export const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
export const seconds = finite.min(0).max(1e9);
export const token = z.string().regex(TOKEN);
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** A line a person may read: bounded, without control characters that could drive a terminal. */
export const line = (max: number) => z.string().max(max).regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'must have no control characters');
/** Longer text with line breaks and tabs, still without escape sequences. */
export const text = (max: number) => z.string().max(max).regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$/, 'must have no control characters');
