import { z } from 'zod';
import type { Method } from '../adapters/model/options.ts';
import { bad, fine, weak, type Check } from '../adapters/toolchain/check.ts';
import { moneyOf, type Answer, type Question, type Usage } from '../domain/conversation.ts';
import { ModelFailed } from '../ports.ts';
import { readKey } from './models-key.ts';
import { distinctModels, labelOf, optionsOf, type ModelSettings, type ModelsConfig } from './models.ts';

// What a model's endpoint can do, tried: one small call for each way of asking, the configured one first. Nothing is tried twice.

/** What was found of one model. */
export interface ModelCheck extends Check { readonly model: string }

type Asked = { readonly kind: 'answered'; readonly answer: Answer; readonly pieces: number; readonly firstMs: number; readonly wholeMs: number; readonly acted: boolean } | { readonly kind: 'failed'; readonly failed: ModelFailed };

const WAYS: Readonly<Record<Method, string>> = { tools: 'tool calls', 'json-schema': 'JSON schema', json: 'JSON mode' };
/** Enough for a model that thinks before it says a word. */
const MOST_TOKENS = 2000;
const LONGEST_SECONDS = 180;

const QUESTION: Omit<Question, 'mostTokens'> = {
  system: 'You are asked one thing, to see whether you can be worked with.',
  turns: [{ role: 'user', text: 'Use the tool report once, with the word ready.' }],
  tools: [{ name: 'report', says: 'takes one word', input: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'], additionalProperties: false } }],
};
const Input = z.strictObject({ word: z.string() });

/** Tries each model at each endpoint once. Throws `Mistake` for a key that is not there. */
export async function diagnoseModels(config: ModelsConfig): Promise<readonly ModelCheck[]> {
  const keyed = await Promise.all(distinctModels(config).map(async ({ settings }) => ({ settings, key: await readKey(settings, process.env) }))); // all keys before any call
  const found: ModelCheck[] = [];
  for (const { settings, key } of keyed) found.push(...(await diagnoseOne(settings, key)).map((check) => ({ ...check, model: labelOf(settings) })));
  return found;
}

async function diagnoseOne(settings: ModelSettings, key: string | null): Promise<readonly Check[]> {
  const label = labelOf(settings);
  const first = await tried(settings, key, settings.method);
  if (first.kind === 'failed' && first.failed.kind !== 'refused' && first.failed.kind !== 'garbled') return [unanswered(first.failed, key !== null), price(settings, [])];
  const results = new Map<Method, Asked>([[settings.method, first]]);
  for (const method of ['tools', 'json-schema', 'json'] as const) if (!results.has(method)) results.set(method, await tried(settings, key, method));
  const answers = [...results.values()].flatMap((one) => (one.kind === 'answered' ? [one] : []));
  const best = first.kind === 'answered' ? first : answers[0];
  if (!best) return [first.kind === 'failed' ? unanswered(first.failed, key !== null) : bad('endpoint', `${label} did not answer`, 'see its log'), price(settings, [])];
  const works = [...results].flatMap(([method, one]) => (one.kind === 'answered' && one.acted ? [method] : []));
  return [
    fine('endpoint', `${label} answers: first word after ${seconds(best.firstMs)}, all after ${seconds(best.wholeMs)}`),
    streams(best.pieces, Math.max(...answers.map(({ pieces }) => pieces))),
    best.answer.usage.isMeasured ? fine('usage', `reported: ${usageIn(best.answer.usage)}`) : weak('usage', 'not reported: tokens and money are estimated from the bytes', 'let the endpoint report usage at the end of a stream, where it can'),
    ...[...results].map(([method, one]) => wayOf(method, one, { isAsked: method === settings.method, works })),
    price(settings, answers.map(({ answer }) => answer.usage)),
  ];
}

/** Many endpoints that stream send a call in one piece all the same: that is how they are, and no fault. */
function streams(pieces: number, most: number): Check {
  const patience = 'patience: {silence: SECONDS} in the file of models';
  if (pieces > 1) return fine('streams', `in ${pieces} pieces`);
  return most > 1 ? fine('streams', `words in ${most} pieces, a call in one: while a long edit is written it is silent, as long as ${patience} allows`)
    : weak('streams', 'the answer came in one piece, so a long one is a long silence', `raise ${patience} if answers are given up`);
}

async function tried(settings: ModelSettings, key: string | null, method: Method): Promise<Asked> {
  const { openModel } = await import('../adapters/model/index.ts');
  const model = openModel({ ...optionsOf(settings, key), method });
  const began = performance.now();
  let [pieces, firstMs, had] = [0, 0, 0];
  const onProgress = (characters: number): void => {
    if (characters === had) return;
    if (pieces === 0) firstMs = performance.now() - began;
    pieces += 1;
    had = characters;
  };
  const allowed = Math.min(settings.limits.seconds, LONGEST_SECONDS);
  try {
    const answer = await model.ask({ ...QUESTION, mostTokens: Math.min(settings.limits.output, MOST_TOKENS) }, { signal: AbortSignal.timeout(allowed * 1000), onProgress });
    return { kind: 'answered', answer, pieces, firstMs, wholeMs: performance.now() - began, acted: hasActed(answer) };
  } catch (error) {
    if (error instanceof ModelFailed) return { kind: 'failed', failed: error };
    if (error instanceof Error && error.name === 'TimeoutError') return { kind: 'failed', failed: new ModelFailed('timeout', `${model.name} was not done after ${allowed} s`) };
    throw error;
  }
}

function hasActed({ calls: [call] }: Answer): boolean {
  try { return call?.tool === 'report' && Input.safeParse(JSON.parse(call.input)).success; } catch { return false; }
}

function unanswered({ kind, message, retryAfterMs, hasRemedy }: ModelFailed, isKeyed: boolean): Check {
  switch (kind) {
    case 'rate': return bad('endpoint', message, `it is there, and takes no call now: try again${retryAfterMs === null ? ' later' : ` in ${seconds(retryAfterMs)}`}`);
    case 'key': return bad('endpoint', message, `key: {env: NAME} or {file: PATH} in the file of models says which key is sent${isKeyed ? '; without a file it is OPENAI_API_KEY' : ', and --models FILE gives it; no other is sent to an endpoint of your own'}`);
    case 'timeout': return bad('endpoint', message, 'try it by hand, or give it longer: patience: {first: SECONDS, silence: SECONDS} in the file of models');
    case 'server':
    case 'cut': return bad('endpoint', message, 'start it, or look at its log; then try again');
    case 'length': return bad('endpoint', message, 'a session needs far more room than this question: serve the model with a longer context');
    case 'garbled':
    case 'refused': return hasRemedy ? { name: 'endpoint', ok: 'bad', says: message, remedy: null } : bad('endpoint', message, 'correct model and baseURL');
    default: return kind satisfies never;
  }
}

function wayOf(method: Method, one: Asked, { isAsked, works }: { readonly isAsked: boolean; readonly works: readonly Method[] }): Check {
  const name = WAYS[method];
  if (one.kind === 'answered' && one.acted) return fine(name, isAsked ? 'works, and is the method asked for' : 'works');
  const says = one.kind === 'failed' ? one.failed.message : `answered, but not as asked${one.answer.ended === 'length' ? ': the cap on its tokens cut it off' : ''}`;
  if (!isAsked) return { name, ok: 'weak', says: `cannot be used: ${says}`, remedy: null }; // nothing to do, as long as it is not asked for
  return bad(name, says, works.length > 0 ? `say method: ${works[0]} in the file of models, which works` : 'none of the three methods works: this model cannot be worked with');
}

function price({ price: known }: ModelSettings, used: readonly Usage[]): Check {
  if (known === null) return weak('price', 'not known: no limit of money can be set', 'give --price IN,OUT of a million tokens, or price: {input, output} in the file of models; 0 for one of your own');
  const cost = used.reduce((sum, usage) => sum + moneyOf(usage, known), 0);
  return fine('price', `${known.input} for a million tokens in, ${known.cached} kept, ${known.output} out${used.length === 0 ? '' : `: what was tried here cost ${cost === 0 ? '0' : cost.toPrecision(2)}`}`);
}

const usageIn = ({ input, cached, output }: Usage): string => `${input} tokens in, ${cached} of them kept, ${output} out`;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
