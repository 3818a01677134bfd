import { expect, test } from 'vitest';
import { openModel, type ModelOptions } from '../../src/adapters/model/index.ts';
import type { Question, Turn } from '../../src/domain/conversation.ts';
import { failing, openAiServer, say, use, type Asked, type Reply } from '../support/openai-server.ts';

// Endpoints of one protocol, each as strict as the one it stands for is said to be.

const READ = { name: 'read', says: 'reads a file', input: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'], additionalProperties: false } };
const TURNS: readonly Turn[] = [{ role: 'user', text: 'Improve it.' }, { role: 'model', text: '', calls: [{ id: 'c1', tool: 'read', input: '{"path":"a"}' }] }, { role: 'tool', call: 'c1', tool: 'read', text: 'RATE = 1' }, { role: 'model', text: '', calls: [] }, { role: 'user', text: 'your answer used no tool' }];
const question: Question = { system: 'You own optimizer.py.', turns: TURNS, tools: [READ], mostTokens: 500 };
const options = (baseURL: string, more: Partial<ModelOptions> = {}): ModelOptions => ({ model: 'scripted', baseURL, key: null, temperature: null, reasoning: null, method: 'tools', price: null, patience: { firstSeconds: 20, silenceSeconds: 20 }, ...more });
const quiet = { signal: new AbortController().signal, onProgress: () => undefined };

/** Refuses what one kind of endpoint refuses; null where it would answer. */
type Strict = (body: Asked['body']) => Reply | null;
const has = (body: object, name: string): boolean => Object.hasOwn(body, name);
const noDeveloper: Strict = ({ messages }) => (messages.some(({ role }) => role === 'developer') ? failing(400, 'Only user, system, assistant and tool roles are supported') : null);
const noEmpty: Strict = ({ messages }) => (messages.some(({ role, content, tool_calls: calls }) => role !== 'assistant' || calls ? false : !content) ? failing(400, 'messages: text content blocks must be non-empty') : null);
const known = (...fields: string[]): Strict => (body) => { const odd = Object.keys(body).find((name) => !fields.includes(name)); return odd === undefined ? null : { kind: 'status', status: 422, body: { object: 'error', message: { detail: [{ type: 'extra_forbidden', loc: ['body', odd], msg: 'Extra inputs are not permitted' }] } } }; };
const COMMON = ['model', 'messages', 'stream', 'tools', 'response_format', 'temperature'];

const ENDPOINTS: readonly (readonly [name: string, model: string, strict: readonly Strict[], requests: number])[] = [
  ['a hosted reasoning model behind another host', 'gpt-5-mini', [(body) => (has(body, 'max_tokens') ? failing(400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.") : null)], 2],
  ['a hosted API that knows no other field', 'large', [known(...COMMON, 'max_tokens'), noEmpty], 2],
  ['one that knows the new name alone, and no usage in streams', 'small', [known(...COMMON, 'max_completion_tokens')], 3],
  ['vLLM, whose templates know no developer', 'gpt-5-oss', [noDeveloper, known(...COMMON, 'max_tokens', 'max_completion_tokens', 'stream_options', 'reasoning_effort')], 1],
  ['llama.cpp and Ollama', 'o1-of-mine', [noDeveloper, noEmpty], 1],
];

test.each(ENDPOINTS)('%s is asked as it wants to be, and is remembered', async (_, model, strict, requests) => {
  await using server = await openAiServer(({ body }) => strict.flatMap((each) => each(body) ?? [])[0] ?? use('read', { path: 'b' }));
  const asked = openModel(options(server.baseURL, { model }));
  expect(await asked.ask(question, quiet)).toMatchObject({ ended: 'calls', calls: [{ tool: 'read' }] });
  expect(server.asked).toHaveLength(requests);
  await asked.ask(question, quiet);
  expect(server.asked, 'nothing was tried in vain again').toHaveLength(requests + 1);
  const cap = server.asked.at(-1)?.body;
  expect([cap?.max_tokens ?? null, cap?.max_completion_tokens ?? null].filter((most) => most !== null), 'one cap, and it is the one asked for').toEqual([500]);
  expect(server.asked.at(-1)?.body.messages[0]?.role).toBe('system');
});

test('what was configured is never dropped unsaid: the refusal names the remedy, and an endpoint that takes neither name is believed', async () => {
  await using server = await openAiServer(({ body }) => (has(body, 'temperature') ? failing(400, "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.")
    : has(body, 'reasoning_effort') ? failing(400, "Unrecognized request argument supplied: reasoning_effort") : failing(400, "Unsupported parameter: 'max_tokens' and 'max_completion_tokens' are not supported")));
  const failed = (more: Partial<ModelOptions>) => openModel(options(server.baseURL, more)).ask(question, quiet).catch((error: unknown) => error);
  expect(await failed({ temperature: 0.2 })).toMatchObject({ kind: 'refused', message: expect.stringMatching(/; say temperature: null for this model/) });
  expect(await failed({ reasoning: 'low' })).toMatchObject({ kind: 'refused', message: expect.stringMatching(/; name an effort that this model knows as its reasoning, or null$/) });
  expect(server.asked).toHaveLength(2);
  expect(await failed({})).toMatchObject({ kind: 'refused' });
  expect(server.asked, 'each name was tried once').toHaveLength(4);
});

test.each<readonly [string, number, unknown]>([
  ['OpenAI', 400, { error: { message: "This model's maximum context length is 128000 tokens. However, your messages resulted in 131072 tokens.", type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' } }],
  ['OpenAI, newer', 400, { error: { message: 'Your input exceeds the context window of this model. Please adjust your input and try again.', type: 'invalid_request_error' } }],
  ['vLLM', 400, { object: 'error', message: "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens in the messages.", type: 'BadRequestError', code: 400 }],
  ['llama.cpp', 400, { error: { code: 400, message: 'the request exceeds the available context size, try increasing it', type: 'exceed_context_size_error', n_prompt_tokens: 9000, n_ctx: 8192 } }],
  ['Ollama', 400, { error: { message: 'the input length exceeds the context length', type: 'api_error' } }],
  ['others', 413, { error: { message: 'Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 9000' } }],
  ['others still', 400, { error: { message: 'prompt is too long: 210000 tokens > 200000 maximum' } }],
])('a question that is too long is told as that: %s', async (_, status, body) => {
  await using server = await openAiServer(() => ({ kind: 'status', status, body }));
  const failed = await openModel(options(server.baseURL)).ask(question, quiet).catch((error: unknown) => error);
  expect(failed).toMatchObject({ kind: 'length', usage: { input: 0, output: 0 } });
  expect(server.asked).toHaveLength(1);
});

test('what a model is told is said to whoever keeps it in the very words that are sent', async () => {
  await using server = await openAiServer(() => say('yes'));
  for (const method of ['tools', 'json-schema', 'json'] as const) {
    const model = openModel(options(server.baseURL, { method }));
    await model.ask(question, quiet);
    const sent = server.asked.at(-1);
    const [system, tools] = model.told(question).split('\n---\n\n');
    expect(sent?.system, method).toBe(system);
    expect((sent?.body.tools ?? []).map((tool) => JSON.stringify(tool)), method).toEqual(tools?.split('\n').slice(1) ?? []);
    expect(model.told(question), method).toContain('reads a file');
  }
});
