import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { METHODS, nameOf, REASONING, type ModelOptions } from '../adapters/model/options.ts';
import type { Limits } from '../domain/budget.ts';
import type { RunId } from '../domain/ids.ts';
import { ModelFailed, type Model } from '../ports.ts';
import { Mistake } from './mistake.ts';
import { readKey } from './models-key.ts';
import { runDir, type Place } from './place.ts';

// Which model each specialist of a run thinks with.
//
//   L1. The run's folder holds all of it but the keys: where a key is found is said, and it is read only by the process that sends it.
//   L2. A limit of money needs a price for everybody whom it bounds.
//   L3. A key that is missing when a run starts keeps it from starting; one that goes missing while it runs keeps one specialist from thinking.

const amount = z.number().min(0).max(1e9);
const KeySource = z.union([z.strictObject({ env: z.string().max(64) }), z.strictObject({ file: z.string().max(4096) })]);
const Settings = z.strictObject({
  model: z.string().min(1).max(160), baseURL: z.string().max(1000), key: KeySource.nullable(),
  temperature: z.number().nullable(), reasoning: z.enum(REASONING).nullable(), method: z.enum(METHODS),
  price: z.strictObject({ input: amount, cached: amount, output: amount }).nullable(),
  patience: z.strictObject({ firstSeconds: z.number(), silenceSeconds: z.number() }),
  limits: z.strictObject({ turns: z.int(), tokens: z.int(), seconds: z.number(), output: z.int(), submissions: z.int(), money: amount.nullable() }),
  budget: z.strictObject({ tokens: z.int().nullable(), money: amount.nullable() }),
});
const Config = z.strictObject({ defaults: Settings, specialists: z.record(z.string(), Settings) });

/** Where a key is found: it is never written here itself. */
export type KeySource = z.infer<typeof KeySource>;
/** One specialist's model and how far it may go with it. */
export type ModelSettings = z.infer<typeof Settings>;
/** The models of a run: one for everybody, and those of specialists who have another. */
export type ModelsConfig = z.infer<typeof Config>;

/** What holds where nothing is said: a session of a few dozen answers, within what a person would wait for. */
export const USUAL: Omit<ModelSettings, 'model' | 'baseURL' | 'key'> = {
  temperature: null, reasoning: null, method: 'tools', price: null, patience: { firstSeconds: 120, silenceSeconds: 120 },
  limits: { turns: 24, tokens: 200_000, seconds: 900, output: 8000, submissions: 3, money: null }, budget: { tokens: null, money: null },
};

/** The model of one specialist. */
export const modelOf = ({ defaults, specialists }: ModelsConfig, specialist: string): ModelSettings => (Object.hasOwn(specialists, specialist) ? specialists[specialist] : undefined) ?? defaults;

/** Each model at each endpoint once, with whoever thinks with it; nobody in particular where no roster is known. */
export function distinctModels(config: ModelsConfig, roster: readonly string[] = []): { readonly settings: ModelSettings; readonly specialists: readonly string[] }[] {
  const all = roster.length > 0 ? roster.map((specialist) => ({ specialist, settings: modelOf(config, specialist) })) : [{ specialist: '', settings: config.defaults }, ...Object.entries(config.specialists).map(([specialist, settings]) => ({ specialist, settings }))];
  const found = new Map<string, { settings: ModelSettings; specialists: string[] }>();
  for (const { specialist, settings } of all) {
    const id = JSON.stringify([settings.model, settings.baseURL, settings.key]);
    const one = found.get(id) ?? { settings, specialists: [] };
    if (specialist !== '') one.specialists.push(specialist);
    found.set(id, one);
  }
  return [...found.values()];
}

/** Throws `Mistake` when a limit of money cannot be reckoned because nobody said what a model costs. */
export function requirePrices(config: ModelsConfig, roster: readonly string[], limits: Limits): void { // L2
  const unpriced = roster.filter((specialist) => {
    const { price, limits: session, budget } = modelOf(config, specialist);
    return price === null && (limits.money ?? session.money ?? budget.money) !== null;
  });
  if (unpriced.length === 0) return;
  const models = [...new Set(unpriced.map((specialist) => modelOf(config, specialist).model))];
  const whose = limits.money === null ? 'its sessions or budget have' : 'this run has';
  throw new Mistake(`${whose} a limit of money, and nobody said what ${models.join(', ')} ${models.length === 1 ? 'costs' : 'cost'} (${unpriced.join(', ')}): give --price IN,OUT of a million tokens, or price: {input, output} in the file of models, 0 for one of your own; or leave the limit out`);
}

/** Throws `Mistake` for the first key that is not where it is said to be. Nothing is kept of what is read. */
export async function requireKeys(config: ModelsConfig, roster: readonly string[]): Promise<void> {
  for (const { settings } of distinctModels(config, roster)) await readKey(settings, process.env);
}

/** Names in the environment that the daemon of one specialist needs, and no other: its key, and what its connection trusts. */
export function environmentOf(config: ModelsConfig | null, daemon: string): string[] {
  const specialist = /^specialist-(.+)$/.exec(daemon)?.[1];
  if (config === null || specialist === undefined) return [];
  const { key } = modelOf(config, specialist);
  return ['NODE_EXTRA_CA_CERTS', ...(key !== null && 'env' in key ? [key.env] : [])];
}

/** Opens a model with its key, which leaves the environment: no child of this process is to inherit it. While there is no key it refuses, and looks again at the next question. */
export async function openModelOf(settings: ModelSettings): Promise<Model> {
  const { openModel } = await import('../adapters/model/index.ts');
  const open = async (): Promise<Model> => {
    const key = await readKey(settings, process.env);
    if (settings.key !== null && 'env' in settings.key) delete process.env[settings.key.env];
    return openModel(optionsOf(settings, key));
  };
  let found: Model | null = null;
  const keyed = async (): Promise<Model> => found ??= await open().catch((error: unknown) => { throw error instanceof Mistake ? new ModelFailed('key', error.message, { cause: error }) : error; });
  await keyed().catch((error: unknown) => { if (!(error instanceof ModelFailed)) throw error; }); // L3
  return {
    ...openModel(optionsOf(settings, null)),
    async ask(question, options) {
      const model = await keyed();
      return model.ask(question, options).catch((error: unknown) => {
        if (error instanceof ModelFailed && error.kind === 'key' && settings.key !== null && 'file' in settings.key) found = null; // its file may hold another by then
        throw error;
      });
    },
  };
}

/** What the adapter is told of a model. */
export const optionsOf = ({ limits: _, budget: __, ...settings }: ModelSettings, key: string | null): ModelOptions => ({ ...settings, key });

/** All models of a run, as a person would name them, with whoever thinks with each. */
export const describeModels = (config: ModelsConfig, roster: readonly string[]): string =>
  distinctModels(config, roster).map(({ settings, specialists }) => `${labelOf(settings)} (${specialists.join(', ')})`).join('; ').slice(0, 400);

/** As a person would name it. */
export const labelOf = (settings: ModelSettings): string => nameOf(settings);

const fileOf = (place: Place, run: RunId): string => join(runDir(place, run), 'models.json');

/** Keeps a run's models where its daemons, and whoever resumes it, find them. */
export async function storeModels(place: Place, run: RunId, config: ModelsConfig): Promise<void> { // L1
  const file = fileOf(place, run);
  await writeFile(`${file}.${process.pid}`, `${JSON.stringify(Config.parse(config), null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.${process.pid}`, file);
}

/** The models a run was started with; null when it has none. Throws `Mistake` when they cannot be read. */
export async function recallModels(place: Place, run: RunId): Promise<ModelsConfig | null> {
  const file = fileOf(place, run);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return null; throw error; });
  if (text === null) return null;
  try { return Config.parse(JSON.parse(text)); } catch (cause) { throw new Mistake(`${file} is not what a run's models are written as: put it back, or start a new run`, { cause }); }
}
