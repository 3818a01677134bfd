import type { Command } from 'commander';
import type { RunId } from '../domain/ids.ts';
import { Mistake } from './mistake.ts';
import { addressIn, priceOf, readModelsFile, usualKey, type Fallback } from './models-file.ts';
import { modelOf, recallModels, USUAL, type ModelSettings, type ModelsConfig } from './models.ts';
import { number } from './number.ts';
import type { Place } from './place.ts';

/** The flags that say which model is asked, as they were typed. */
export interface ModelFlags { readonly models?: string; readonly model?: string; readonly baseUrl?: string; readonly price?: string }

const OPENAI = 'https://api.openai.com/v1';

/** Adds the flags of a command that asks a model. */
export const modelOptions = (command: Command): Command => command
  .option('--models <file>', 'file with the model of each specialist, its price and its limits (docs/models.md)')
  .option('--model <name>', 'instead of a file: one model for all')
  .option('--base-url <url>', `its endpoint (default OPENAI_BASE_URL, or ${OPENAI})`)
  .option('--price <in,out[,cached]>', 'what a million of its tokens cost, such as 0.25,2.0');

/** Which of those flags were given. */
export const modelFlagsIn = (flags: ModelFlags): string[] => ([['models', '--models'], ['model', '--model'], ['baseUrl', '--base-url'], ['price', '--price']] as const).flatMap(([name, flag]) => (flags[name] === undefined ? [] : [flag]));

/** The models that flags name. `names` are the specialists a file may speak of; null where any may be named. Throws `Mistake`. */
export async function modelsBy(flags: ModelFlags, { names, environment }: { readonly names: readonly string[] | null; readonly environment: Readonly<Record<string, string | undefined>> }): Promise<ModelsConfig> {
  const others = modelFlagsIn(flags).filter((flag) => flag !== '--models');
  if (flags.models !== undefined && others.length > 0) throw new Mistake(`${others.join(', ')} ${others.length === 1 ? 'is' : 'are'} said in the file of --models: leave ${others.length === 1 ? 'it' : 'them'} out here, or leave --models out`);
  const said = flags.baseUrl ?? (environment.OPENAI_BASE_URL || OPENAI);
  const baseURL = addressIn(said, (why) => { throw new Mistake(`${flags.baseUrl === undefined ? 'OPENAI_BASE_URL' : '--base-url'} ${why}`); }) ?? OPENAI;
  const fallback: Fallback = { model: null, baseURL };
  if (flags.models !== undefined) return readModelsFile(flags.models, { names, fallback });
  if (flags.model === undefined) throw new Mistake('name the model that specialists think with: --model NAME, with --base-url URL for one that is not OpenAI\'s; or --models FILE, where each can have its own (docs/models.md)');
  if (!/^[\x21-\x7e][\x20-\x7e]{0,159}$/.test(flags.model)) throw new Mistake('--model must be the name of a model, of at most 160 plain characters');
  const key = usualKey(baseURL);
  if (key !== null && baseURL.startsWith('http:')) throw new Mistake('--base-url would have the key sent in the clear: use https');
  return { defaults: { ...USUAL, model: flags.model, baseURL, key, price: flags.price === undefined ? null : priceIn(flags.price) }, specialists: {} };
}

/** What a run that goes on thinks with: the models it had, where flags or a file say so at another endpoint, with another key, or at another price. Throws `Mistake`. */
export async function modelsAnew(flags: ModelFlags, had: ModelsConfig, { roster, ...about }: { readonly names: readonly string[]; readonly environment: Readonly<Record<string, string | undefined>>; readonly roster: readonly string[] }): Promise<ModelsConfig> {
  if (flags.models !== undefined) {
    const models = await modelsBy(flags, about);
    const other = roster.find((specialist) => modelOf(models, specialist).model !== modelOf(had, specialist).model);
    if (other !== undefined) throw new Mistake(`${flags.models} has ${other} think with ${modelOf(models, other).model}, and it thought with ${modelOf(had, other).model}: what was learnt with one model goes on with it. Name that one, or start a new run`);
    const unpriced = roster.find((specialist) => modelOf(had, specialist).price !== null && modelOf(models, specialist).price === null);
    if (unpriced !== undefined) throw new Mistake(`${flags.models} does not say what ${modelOf(models, unpriced).model} costs (${unpriced}), which the run reckoned with so far: add its price`);
    return models;
  }
  const { defaults } = had;
  const baseURL = flags.baseUrl === undefined ? defaults.baseURL : addressIn(flags.baseUrl, (why) => { throw new Mistake(`--base-url ${why}`); }) ?? defaults.baseURL;
  const price = flags.price === undefined ? null : priceIn(flags.price);
  const moved = (one: ModelSettings): ModelSettings => (one.baseURL !== defaults.baseURL ? one : { ...one, baseURL, key: keyAt(baseURL, one), price: one.model === defaults.model ? price ?? one.price : one.price });
  return { defaults: moved(defaults), specialists: Object.fromEntries(Object.entries(had.specialists).map(([name, one]) => [name, moved(one)])) };
}

/** The key for an endpoint that moved: it stays where the host is the same, and is not taken along to another. */
function keyAt(baseURL: string, { key, baseURL: before }: ModelSettings): ModelSettings['key'] {
  const isSame = new URL(baseURL).origin === new URL(before).origin;
  const usual = usualKey(baseURL);
  if (!isSame && key !== null && JSON.stringify(key) !== JSON.stringify(usual)) throw new Mistake(`the key for ${new URL(before).host} is not sent to ${new URL(baseURL).host}: say in a file where the key for that is, and give it by --models FILE`);
  const now = isSame ? key : usual;
  if (now !== null && baseURL.startsWith('http:')) throw new Mistake('--base-url would have the key sent in the clear: use https');
  return now;
}

/** What one specialist's daemon is to think with: what its flags say, else what lies in the folder of the run. Throws `Mistake`. */
export async function settingsFor(place: Place, run: RunId, specialist: string, flags: ModelFlags): Promise<ModelSettings> {
  const models = modelFlagsIn(flags).length > 0 ? await modelsBy(flags, { names: null, environment: process.env }) : await recallModels(place, run);
  if (models === null) throw new Mistake(`the folder of ${run} does not say what model ${specialist} thinks with: give --models FILE, or --model NAME, as the run was started with`);
  return modelOf(models, specialist);
}

function priceIn(said: string) {
  const [input, output, cached, ...more] = said.split(',').map((part) => number('--price', part, 0, 1e6, false));
  if (input === undefined || output === undefined || more.length > 0) throw new Mistake(`--price ${said} must be IN,OUT or IN,OUT,CACHED: what a million tokens cost, such as 0.25,2.0,0.025`);
  return priceOf({ input, output, cached });
}
