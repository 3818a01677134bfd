import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { METHODS, REASONING } from '../adapters/model/options.ts';
import { BadSurface, field, readDescribed } from '../adapters/surfaces/index.ts';
import type { Price } from '../domain/conversation.ts';
import { suggest } from '../domain/likeness.ts';
import { Mistake } from './mistake.ts';
import { isNear } from './models-key.ts';
import { USUAL, type KeySource, type ModelSettings, type ModelsConfig } from './models.ts';

// A file of models, as a person writes it. What could hold a secret by mistake is never repeated in a message.

const { number, whole } = field;
const price = z.strictObject({ input: number(0, 1e6), cached: number(0, 1e6).optional(), output: number(0, 1e6) }, 'give {input, output} of a million tokens');
const part = {
  model: z.string('give the name of a model').regex(/^[\x21-\x7e][\x20-\x7e]{0,159}$/, 'give the name of a model, of at most 160 characters'),
  /** Looked at afterwards, because it may hold a password. */
  baseURL: z.unknown(),
  /** Likewise. */
  key: z.unknown(),
  temperature: number(0, 2).nullable(), reasoning: z.enum(REASONING, `give one of ${REASONING.join(', ')}`).nullable(), method: z.enum(METHODS, `give one of ${METHODS.join(', ')}`),
  price: price.nullable(),
  patience: z.strictObject({ first: number(1, 290), silence: number(1, 290) }, 'give {first, silence} in seconds').partial(), // Node's own client gives up after 300
  limits: z.strictObject({ turns: whole(1, 1000), tokens: whole(1000, 1e9), seconds: number(1, 1e6), output: whole(16, 1e6), submissions: whole(1, 16), money: number(0, 1e9).nullable() }, 'give the limits of a session').partial(),
  budget: z.strictObject({ tokens: whole(1, 1e12).nullable(), money: number(0, 1e9).nullable() }, 'give {tokens, money}').partial(),
};
const Part = z.strictObject(part).partial();
const File = z.strictObject({ ...Part.shape, specialists: z.record(z.string(), Part, 'map each specialist to what is different for it').optional() });
type Part = z.infer<typeof Part>;

/** What is meant where a file, or a flag, says nothing. */
export interface Fallback { readonly model: string | null; readonly baseURL: string }

/** Reads a file of models. `names` are the specialists there are; null where any may be named. Throws `Mistake` with every problem as file, line and column. */
export async function readModelsFile(file: string, { names, fallback }: { readonly names: readonly string[] | null; readonly fallback: Fallback }): Promise<ModelsConfig> {
  await access(file).catch((cause: unknown) => { throw new Mistake(`${file} cannot be read: --models names a file of models, such as the one in docs/models.md`, { cause }); });
  const described = await readDescribed(file, file, File).catch((error: unknown) => { throw error instanceof BadSurface ? new Mistake(error.message, { cause: error }) : error; });
  const { specialists = {}, ...defaults } = described.value;
  const problems: string[] = [];
  const at = (path: readonly string[], message: string): void => { problems.push(described.problem(path, message)); };
  const dir = dirname(resolve(file));
  const base: ModelSettings = { ...USUAL, model: fallback.model ?? '', baseURL: fallback.baseURL, key: { env: 'OPENAI_API_KEY' } };
  if (defaults.model === undefined && base.model === '') at(['model'], 'is missing: add it (the name of a model, for every specialist that names no other).');
  const all = settle(defaults, base, { path: [], at, dir, isFirst: true });
  const own: [string, ModelSettings][] = [];
  for (const [name, one] of Object.entries(specialists)) {
    if (names !== null && !names.includes(name)) at(['specialists', name], `is no specialist here${suggest(name, names)} They are ${names.join(', ')}.`);
    own.push([name, settle(one, all, { path: ['specialists', name], at, dir, isFirst: false })]);
  }
  if (problems.length > 0) throw new Mistake(problems.join('\n'));
  return { defaults: all, specialists: Object.fromEntries(own) };
}

interface Where { readonly path: readonly string[]; readonly at: (path: readonly string[], message: string) => void; readonly dir: string; readonly isFirst: boolean }

/** What is said over what holds otherwise. A price belongs to a model, and a key to an endpoint: neither is taken along to another. */
function settle(said: Part, under: ModelSettings, where: Where): ModelSettings {
  const { path, at } = where;
  const model = said.model ?? under.model;
  const baseURL = said.baseURL === undefined ? under.baseURL : addressIn(said.baseURL, (why) => at([...path, 'baseURL'], why)) ?? under.baseURL;
  const isElsewhere = new URL(baseURL).origin !== new URL(under.baseURL).origin;
  const asked = said.key === undefined ? undefined : keyIn(said.key, where);
  if (asked === undefined && said.key === undefined && isElsewhere && !where.isFirst && !isNear(baseURL)) at([...path, 'baseURL'], `has no key of its own, and that of ${new URL(under.baseURL).host} is not sent there: add key: {env: NAME}, {file: PATH} or none.`);
  const key = asked !== undefined ? asked : where.isFirst || isElsewhere ? usualKey(baseURL) : under.key;
  if (key !== null && new URL(baseURL).protocol === 'http:' && !isNear(baseURL)) at([...path, 'baseURL'], 'would have the key sent in the clear: use https.');
  return {
    model, baseURL, key,
    temperature: said.temperature === undefined ? under.temperature : said.temperature,
    reasoning: said.reasoning === undefined ? under.reasoning : said.reasoning,
    method: said.method ?? under.method,
    price: said.price === undefined ? (model !== under.model || baseURL !== under.baseURL ? null : under.price) : said.price && priceOf(said.price),
    patience: { firstSeconds: said.patience?.first ?? under.patience.firstSeconds, silenceSeconds: said.patience?.silence ?? under.patience.silenceSeconds },
    limits: { ...under.limits, ...given(said.limits) }, budget: { ...under.budget, ...given(said.budget) },
  };
}

/** Where nobody said what kept input costs, it costs what other input does. */
export const priceOf = ({ input, cached = input, output }: { readonly input: number; readonly cached?: number | undefined; readonly output: number }): Price => ({ input, cached, output });

/** Where the key is when nobody said: nowhere for an endpoint of one's own. */
export const usualKey = (baseURL: string): KeySource | null => (isNear(baseURL) ? null : { env: 'OPENAI_API_KEY' });

/** An address as it is used; null, with the reason told, for what is none. Nothing of it is repeated: it may hold a password. */
export function addressIn(said: unknown, tell: (why: string) => void): string | null {
  const address = typeof said === 'string' && URL.canParse(said) ? new URL(said) : null;
  if (!address || !['http:', 'https:'].includes(address.protocol)) tell('will not do: give an http or https address, such as https://api.openai.com/v1 or http://127.0.0.1:8000/v1.');
  else if (address.username !== '' || address.password !== '' || address.search !== '' || address.hash !== '') tell('will not do: give the address alone, without a user, a password or anything after a ?. A key is said by key: {env: NAME} or {file: PATH}.');
  else return address.href.replace(/\/+$/, '');
  return null;
}

const EnvironmentKey = z.strictObject({ env: z.string().regex(/^[A-Z_][A-Z0-9_]{0,63}$/) });
const FileKey = z.strictObject({ file: z.string().min(1).max(4000).regex(/^(\/|~\/|\.{1,2}\/|[\w.-]+\/|[\w-]+\.\w+$)[\x20-\x7e]*$/) });

/** Undefined, with the reason told, for what says of no key where it is. */
function keyIn(said: unknown, { path, at, dir }: Where): KeySource | null | undefined {
  if (said === null || said === 'none') return null;
  const [environment, file] = [EnvironmentKey.safeParse(said), FileKey.safeParse(said)];
  if (environment.success) return environment.data;
  if (file.success) return { file: resolve(dir, file.data.file.replace(/^~\//, `${join(homedir(), '/')}`)) };
  at([...path, 'key'], 'does not say where a key is: give {env: NAME} with a name in capitals, {file: ./PATH} or none. If what stands there is a key itself, take it out and replace it: this file is copied.');
  return undefined;
}

/** Without what is only there as undefined. */
const given = <T extends object>(said: T | undefined): { [K in keyof T]?: Exclude<T[K], undefined> } => Object.fromEntries(Object.entries(said ?? {}).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
