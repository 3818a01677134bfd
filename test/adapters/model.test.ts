import { createServer } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openModel, type Method, type ModelOptions } from '../../src/adapters/model/index.ts';
import type { Question, Turn } from '../../src/domain/conversation.ts';
import { ModelFailed } from '../../src/ports.ts';
import { failing, openAiServer, say, tooMany, use, type Reply, type Script } from '../support/openai-server.ts';

const KEY = 'sk-live-abcdefghijklmnopqrstuvwxyz0123456789';
const READ = { name: 'read', says: 'reads a file', input: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'], additionalProperties: false } };
const SUBMIT = { name: 'submit', says: 'submits', input: { type: 'object', properties: { hypothesis: { type: 'string' } }, required: ['hypothesis'], additionalProperties: false } };
const question = (more: Partial<Question> = {}): Question => ({ system: 'You own optimizer.py.', turns: [{ role: 'user', text: 'Improve it.' }], tools: [READ, SUBMIT], mostTokens: 500, ...more });
const options = (baseURL: string, more: Partial<ModelOptions> = {}): ModelOptions => ({ model: 'scripted', baseURL, key: KEY, temperature: null, reasoning: null, method: 'tools', price: null, patience: { firstSeconds: 20, silenceSeconds: 20 }, ...more });

const quiet = { signal: new AbortController().signal, onProgress: () => undefined };
const asked = (baseURL: string, more: Partial<ModelOptions> = {}, what: Partial<Question> = {}) => openModel(options(baseURL, more)).ask(question(what), quiet);

/** Asks once, and expects that it fails; what is in the failure is what a journal could hold of it. */
async function failure(script: Script, more: Partial<ModelOptions> = {}): Promise<ModelFailed> {
  await using server = await openAiServer(script);
  const failed = await asked(server.baseURL, more).then((answer) => { throw new Error(`answered ${JSON.stringify(answer)}`); }, (error: unknown) => error);
  if (!(failed instanceof ModelFailed)) throw failed;
  expect(server.asked.length, 'one question is one request').toBe(1);
  expect(`${failed.message} ${failed.stack} ${JSON.stringify(failed)} ${String(failed.cause)}`).not.toContain(KEY.slice(8, 20));
  return failed;
}

afterEach(() => { vi.unstubAllEnvs(); });

describe.each(['tools', 'json-schema', 'json'] as const)('by %s', (method: Method) => {
  test('a call comes back as the same call with its input as text, and what was said and answered before goes out with it', async () => {
    await using server = await openAiServer(({ attempt }) => (attempt === 1 ? use('read', { path: 'a.py' }, { usage: { input: 900, cached: 600, output: 30 } }) : use('submit', { hypothesis: 'a smaller step' })));
    const model = openModel(options(server.baseURL, { method }));
    const first = await model.ask(question(), quiet);
    expect(first).toMatchObject({ text: '', ended: 'calls', calls: [{ tool: 'read', input: '{"path":"a.py"}' }], usage: { input: 900, cached: 600, output: 30, isMeasured: true } });
    const turns: Turn[] = [{ role: 'user', text: 'Improve it.' }, { role: 'model', text: first.text, calls: first.calls }, { role: 'tool', call: first.calls[0]?.id ?? '', tool: 'read', text: 'RATE = 0.5' }];
    expect(await model.ask(question({ turns }), quiet)).toMatchObject({ ended: 'calls', calls: [{ tool: 'submit', input: '{"hypothesis":"a smaller step"}' }] });
    const [one, two] = server.asked;
    expect(two?.raw).toContain('RATE = 0.5');
    expect(two?.body.messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', method === 'tools' ? 'tool' : 'user']);
    expect(two?.system).toBe(one?.system);
    expect(two?.known ?? 0, 'an endpoint that keeps what it has seen can keep all but the end').toBeGreaterThan((one?.raw.indexOf('Improve it.') ?? 0));
    expect(one?.body.tools === undefined).toBe(method !== 'tools');
    expect(one?.body.response_format?.type).toBe({ tools: undefined, 'json-schema': 'json_schema', json: 'json_object' }[method]);
    expect(server.strays).toEqual([]);
  });

  test('a call that is not JSON stays text, and does not make the next request unreadable', async () => {
    await using server = await openAiServer(({ attempt }) => (attempt === 1 ? use('read', '{"path": "a.') : say('sorry')));
    const model = openModel(options(server.baseURL, { method }));
    const first = await model.ask(question(), quiet);
    if (method === 'tools') expect(first.calls).toMatchObject([{ tool: 'read', input: '{"path": "a.' }]);
    else expect(first).toMatchObject({ calls: [], text: '{"tool":"read","input":{"path": "a.}', ended: 'stop' });
    await model.ask(question({ turns: [{ role: 'user', text: 'x' }, { role: 'model', text: first.text, calls: first.calls }, ...first.calls.map(({ id }): Turn => ({ role: 'tool', call: id, tool: 'read', text: 'not JSON' })), { role: 'user', text: 'again' }] }), quiet);
    expect(server.strays).toEqual([]);
    for (const { tool_calls: calls = [] } of server.asked[1]?.body.messages ?? []) for (const call of calls) expect(JSON.parse(call.function.arguments)).toEqual({ unreadable: '{"path": "a.' });
  });
});

test('a JSON action is found behind what was thought aloud and inside a fence, and nowhere else', async () => {
  const texts = ['<think>hm {"tool":"submit"}</think>\n{"tool":"read","input":{"path":"a"}}', '```json\n{"tool":"read","input":{"path":"a"}}\n```', 'I use {"tool":"read","input":{}}', '["read"]', 'null', '{"tool":"read","input":{"path":"</think>"}}', '<think>hm</think>{"tool":"read","input":{"path":"</think>"}}'];
  await using server = await openAiServer(({ attempt }) => say(texts[attempt - 1] ?? ''));
  const answers = [];
  for (const _ of texts) answers.push(await asked(server.baseURL, { method: 'json' }));
  expect(answers.map(({ calls }) => calls.map(({ tool, input }) => `${tool} ${input}`))).toEqual([['read {"path":"a"}'], ['read {"path":"a"}'], [], [], [], ['read {"path":"</think>"}'], ['read {"path":"</think>"}']]);
  expect(answers.map(({ text }) => text)).toEqual(['<think>hm {"tool":"submit"}</think>', '', ...texts.slice(2, 5), '', '<think>hm</think>']);
});

test('what a user says twice in a row is said at once, as templates of open models insist', async () => {
  await using server = await openAiServer(() => say('yes'));
  await asked(server.baseURL, {}, { turns: [{ role: 'user', text: 'one' }, { role: 'user', text: 'two' }] });
  expect(server.asked[0]?.body.messages.map(({ role, content }) => [role, content])).toEqual([['system', 'You own optimizer.py.'], ['user', 'one\n\ntwo']]);
});

test('several calls in one answer keep their order and have ids of their own, whatever the endpoint calls them', async () => {
  await using server = await openAiServer(() => ({ kind: 'said', text: 'both', calls: [{ tool: 'read', input: { path: 'a' }, id: 'same' }, { tool: 'read', input: { path: 'b' }, id: 'same' }] }));
  const { calls, text, ended } = await asked(server.baseURL);
  expect({ text, ended, inputs: calls.map(({ input }) => input), ids: new Set(calls.map(({ id }) => id)).size }).toEqual({ text: 'both', ended: 'calls', inputs: ['{"path":"a"}', '{"path":"b"}'], ids: 2 });
});

test('only what was configured is asked for: temperature, effort and the cap under the name that the endpoint knows', async () => {
  await using server = await openAiServer(() => say('yes'));
  await asked(server.baseURL);
  await asked(server.baseURL, { temperature: 0, reasoning: 'low', model: 'gpt-5-mini' });
  const [plain, set] = server.asked.map(({ body }) => body);
  expect(plain).toMatchObject({ max_tokens: 500, stream: true, stream_options: { include_usage: true } });
  for (const field of ['temperature', 'reasoning_effort', 'max_completion_tokens', 'top_p', 'user']) expect(Object.keys(plain ?? {}), field).not.toContain(field);
  expect(set).toMatchObject({ temperature: 0, reasoning_effort: 'low', max_tokens: 500 });
});

test('usage that is not reported, or cannot be, is estimated and said to be', async () => {
  const replies: Reply[] = [say('x'.repeat(300), { usage: 'absent' }), say('y', { usage: { input: 0, output: 0 } }), say('z', { usage: { input: -5, output: 3 } }), say('w', { usage: { input: 10, cached: 99, output: 3 } })];
  await using server = await openAiServer(({ attempt }) => replies[attempt - 1] ?? say(''));
  const used = [];
  for (const _ of replies) used.push((await asked(server.baseURL)).usage);
  expect(used.map(({ isMeasured }) => isMeasured)).toEqual([false, false, false, true]);
  expect(used[0]).toEqual({ input: Math.ceil((server.asked[0]?.raw.length ?? 0) / 3), cached: 0, output: 100, isMeasured: false });
  expect(used[3]).toEqual({ input: 10, cached: 10, output: 3, isMeasured: true });
});

test('an answer that the cap cut off says so, a refused one too', async () => {
  await using server = await openAiServer(({ attempt }) => (attempt === 1 ? say('half', { finish: 'length' }) : say('', { finish: 'content_filter' })));
  expect((await asked(server.baseURL)).ended).toBe('length');
  expect((await asked(server.baseURL)).ended).toBe('refused');
});

test.each<readonly [string, Reply, ModelFailed['kind'], number | null, RegExp]>([
  ['429 without Retry-After', tooMany(), 'rate', null, /answered 429: Rate limit reached$/],
  ['429 with seconds', tooMany('7'), 'rate', 7000, /429/],
  ['429 with milliseconds', failing(429, 'slow', { 'retry-after-ms': '250' }), 'rate', 250, /429: slow/],
  ['429 with nonsense', tooMany('soon'), 'rate', null, /429/],
  ['429 for want of money', { kind: 'status', status: 429, body: { error: { message: 'You exceeded your current quota', code: 'insufficient_quota' } } }, 'refused', null, /used up$/],
  ['500', failing(500, 'oops'), 'server', null, /500: oops/],
  ['503 with a wait', failing(503, 'busy', { 'retry-after': '2' }), 'server', 2000, /503: busy/],
  ['502 in HTML', { kind: 'status', status: 502, headers: { 'content-type': 'text/html' }, body: '<html>\n<b>Bad\u0007 gateway</b>' }, 'server', null, /502: <html> <b>Bad gateway/],
  ['400', failing(400, "'response_format' of type 'json_schema' is not supported"), 'refused', null, /json_schema' is not supported/],
  ['404', failing(404, 'no such model'), 'refused', null, /check the name of the model/],
  ['a redirect', failing(307, '', { location: 'http://elsewhere.invalid/v1/chat/completions' }), 'refused', null, /sends elsewhere/],
  ['a connection cut before the first piece', { kind: 'cut', after: 0 }, 'cut', null, /broke/],
  ['a connection cut in mid stream', { kind: 'cut', after: 3 }, 'cut', null, /broke in the midst/],
  ['a stream that ends without an end', { kind: 'raw', contentType: 'text/event-stream', body: 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"hal"}}]}\n\n' }, 'cut', null, /without saying that it was all/],
  ['a stream of garbage', { kind: 'raw', contentType: 'text/event-stream', body: 'data: {"choices":[{"del\n\n' }, 'garbled', null, /no JSON/],
  ['an error in the stream', { kind: 'raw', contentType: 'text/event-stream', body: 'data: {"error":{"message":"out of memory"}}\n\n' }, 'server', null, /out of memory/],
  ['bytes', { kind: 'raw', contentType: 'application/octet-stream', body: new Uint8Array([255, 0, 1]) }, 'garbled', null, /application\/octet-stream where a stream/],
  ['a page', { kind: 'raw', contentType: 'text/html', body: '<html>' }, 'garbled', null, /baseURL/],
])('%s is told as what it is', async (_, reply, kind, retryAfterMs, says) => {
  const failed = await failure(() => reply);
  expect({ kind: failed.kind, retryAfterMs: failed.retryAfterMs, message: failed.message }).toEqual({ kind, retryAfterMs, message: expect.stringMatching(says) });
  expect(failed.message).not.toMatch(/[\u0000-\u001f]/);
  expect(failed.usage).toMatchObject({ isMeasured: false });
});

test('Retry-After as a date is counted from now', async () => {
  const { retryAfterMs } = await failure(() => tooMany(new Date(Date.now() + 90_000).toUTCString()));
  expect(retryAfterMs).toBeGreaterThan(60_000);
  expect(retryAfterMs).toBeLessThanOrEqual(90_000);
});

test('an endpoint that repeats the key is quoted without it, whole or in part', async () => {
  await using server = await openAiServer(() => say('never'), { key: 'another' });
  const failed = await asked(server.baseURL).catch((error: unknown) => error);
  expect(failed).toMatchObject({ kind: 'key', message: expect.stringMatching(/answered 401: Incorrect API key provided: .*\*\*\*; check that the key/) });
  expect(String(failed)).not.toContain('abcdefgh');
  const part = await failure(() => failing(401, `key ending in ${KEY.slice(-12)}, beginning with ${KEY.slice(0, 10)}`));
  expect(part.message).toContain('key ending in ***, beginning with ***');
  await using open = await openAiServer(() => ({ kind: 'said', text: `it is ${KEY}!`, calls: [{ tool: `read ${KEY}`, input: { path: KEY }, id: KEY }] }));
  expect(await asked(open.baseURL)).toMatchObject({ text: 'it is ***!', calls: [{ id: '***', tool: 'read ***', input: '{"path":"***"}' }] });
});

test('a key that is not there is not sent, and the name and the price hold none', async () => {
  vi.stubEnv('OPENAI_API_KEY', KEY);
  vi.stubEnv('OPENAI_ORG_ID', 'org-of-mine');
  await using server = await openAiServer(() => say('yes'));
  const model = openModel(options(server.baseURL, { key: null }));
  await model.ask(question(), quiet);
  expect(Object.keys(server.asked[0]?.headers ?? {}).filter((name) => /authorization|openai|stainless/.test(name))).toEqual([]);
  expect(model.name).toMatch(/^scripted at 127\.0\.0\.1:\d+$/);
});

test('nothing is traced and nobody but the endpoint is asked, whatever the environment says', async () => {
  await using tracer = await openAiServer(() => say('never'));
  for (const name of ['LANGSMITH_TRACING', 'LANGSMITH_TRACING_V2', 'LANGCHAIN_TRACING_V2']) vi.stubEnv(name, 'true');
  for (const name of ['LANGSMITH_ENDPOINT', 'LANGCHAIN_ENDPOINT', 'OPENAI_BASE_URL', 'LANGSMITH_GATEWAY']) vi.stubEnv(name, tracer.baseURL);
  vi.stubEnv('LANGSMITH_API_KEY', 'lsv2_planted');
  await using server = await openAiServer(() => say('yes'));
  await asked(server.baseURL);
  expect(server.asked).toHaveLength(1);
  expect([...tracer.asked, ...tracer.strays]).toEqual([]);
  expect(process.env.LANGSMITH_TRACING).toBe('false');
});

test('an endpoint that nobody serves is said to be, and how to go about it', async () => {
  const port = await new Promise<number>((resolve) => { const probe = createServer().listen(0, '127.0.0.1', () => { const at = probe.address(); probe.close(() => resolve(typeof at === 'object' && at ? at.port : 1)); }); });
  await expect(asked(`http://127.0.0.1:${port}/v1`)).rejects.toMatchObject({ kind: 'server', message: expect.stringMatching(/cannot be reached \(ECONNREFUSED\): it may not be running, or its baseURL be wrong$/) });
});

test.each<readonly [string, Reply, RegExp]>([
  ['before its first byte', { kind: 'hang', after: 'nothing' }, /did not begin to answer for 1\.5 s/],
  ['in mid stream', { kind: 'hang', after: 3 }, /went silent in the midst of an answer for 0\.2 s/],
])('an endpoint that hangs %s is given up after its patience, and what was used is estimated', async (_, reply, says) => {
  const failed = await failure(() => reply, { patience: { firstSeconds: reply.kind === 'hang' && reply.after === 'nothing' ? 1.5 : 20, silenceSeconds: 0.2 } });
  expect({ kind: failed.kind, message: failed.message }).toEqual({ kind: 'timeout', message: expect.stringMatching(says) });
  expect(failed.usage?.input).toBeGreaterThan(100);
});

test.each<readonly [string, Reply]>([['before the headers', { kind: 'hang', after: 'nothing' }], ['in mid stream', { kind: 'hang', after: 4 }], ['in a flood', { kind: 'flood', bytes: 1e9 }]])('an abort %s is obeyed with its own reason, and the endpoint is hung up on', async (_, reply) => {
  let here: (() => void) | null = null;
  const arrived = new Promise<void>((resolve) => { here = resolve; });
  await using server = await openAiServer(() => { here?.(); return reply; });
  const stop = new AbortController();
  const answer = openModel(options(server.baseURL, { patience: { firstSeconds: 290, silenceSeconds: 290 } })).ask(question({ mostTokens: 1_000_000 }), { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) });
  const ended = expect(answer).rejects.toThrow('enough');
  await arrived;
  if (reply.kind !== 'flood') stop.abort(new Error('enough'));
  await ended;
  await server.asked[0]?.hungUp;
  await expect(openModel(options(server.baseURL)).ask(question(), { signal: stop.signal, onProgress: () => undefined })).rejects.toThrow('enough');
  expect(server.asked).toHaveLength(1);
});

test.each<readonly [string, Reply, RegExp]>([
  ['pieces', { kind: 'flood', bytes: 1e9 }, /was told to stop after 500 tokens and went on/],
  ['characters', say('x'.repeat(19_000)), /was told to stop after 500 tokens and went on/],
  ['calls', { kind: 'said', calls: Array.from({ length: 65 }, () => ({ tool: 'read', input: {} })) }, /more than 64 calls/],
  ['one line', { kind: 'raw', contentType: 'text/event-stream', body: `data: ${'a'.repeat(3e6)}` }, /a line of more than 1000000 bytes/],
  ['lines that say nothing', { kind: 'raw', contentType: 'text/event-stream', body: `: ${'a'.repeat(50_000)}\n`.repeat(60) }, /more than 2500000 bytes/],
])('a reply without an end is bounded: %s', async (_, reply, says) => {
  const failed = await failure(() => reply);
  expect({ kind: failed.kind, message: failed.message }).toEqual({ kind: 'garbled', message: expect.stringMatching(says) });
  expect(failed.usage?.isMeasured).toBe(false);
});

test('progress is told in characters, as they come', async () => {
  await using server = await openAiServer(() => say('one two three four five six seven'));
  const seen: number[] = [];
  await openModel(options(server.baseURL)).ask(question(), { ...quiet, onProgress: (characters) => seen.push(characters) });
  expect(seen.length).toBeGreaterThan(2);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toBe(33);
});

test('whatever shape the pieces of a stream have, the end is an answer or a failure', async () => {
  const shapes = ['null', '1', '"x"', '[]', '{}', '{"choices":null}', '{"choices":[null]}', '{"choices":[{"delta":"x"}]}', '{"choices":[{"delta":{"content":5}}]}', '{"choices":[{"delta":{"content":["x"]}}]}', '{"choices":[{"delta":{"role":"tool","content":"x"}}]}',
    '{"choices":[{"delta":{"tool_calls":"x"}}]}', '{"choices":[{"delta":{"tool_calls":[null]}}]}', '{"choices":[{"delta":{"tool_calls":[{"index":"a","function":5}]}}]}', '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":7,"function":{"name":{},"arguments":{"a":1}}}]}}]}',
    '{"choices":[{"delta":{"role":"system","content":"x"}}]}', '{"choices":[],"usage":{"prompt_tokens":"many","completion_tokens":1e999}}', '{"choices":[{"delta":{},"finish_reason":5}]}'];
  await using server = await openAiServer(({ attempt }) => ({ kind: 'raw', contentType: 'text/event-stream', body: `data: ${shapes[(attempt - 1) % shapes.length]}\n\ndata: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n` }));
  for (const shape of shapes) {
    const ended = await asked(server.baseURL).then(({ usage }) => usage.isMeasured, (error: unknown) => (error instanceof ModelFailed ? error.kind : error));
    expect([false, 'garbled', 'cut'], `${shape} ended in ${String(ended)}`).toContain(ended);
  }
});
