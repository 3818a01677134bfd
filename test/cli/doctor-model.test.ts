import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { diagnoseModels } from '../../src/cli/doctor-model.ts';
import { modelsBy } from '../../src/cli/models-flags.ts';
import { failing, openAiServer, say, tooMany, use, type Script } from '../support/openai-server.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'main.js');
const ready = use('report', { word: 'ready' }, { text: 'As you wish, I report it.' });

/** The marks and sentences of one model behind a script, by what was looked at. */
async function found(script: Script, more: { price?: string; yaml?: string } = {}) {
  await using server = await openAiServer(script);
  const models = await modelsBy({ model: 'scripted', baseUrl: server.baseURL, ...(more.price === undefined ? {} : { price: more.price }) }, { names: null, environment: {} });
  const checks = await diagnoseModels(more.yaml === undefined ? models : { ...models, defaults: { ...models.defaults, method: 'json-schema' } });
  expect(server.strays).toEqual([]);
  return { asked: server.asked, checks, line: (name: string) => { const { ok, says, remedy } = checks.find((check) => check.name === name) ?? { ok: 'absent', says: '', remedy: null }; return `${ok} ${says}${remedy === null ? '' : `: ${remedy}`}`; } };
}

/** Runs the program itself. */
const program = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<{ code: number; out: string; err: string }> => new Promise((resolve) => {
  execFile(process.execPath, [PROGRAM, ...args], { env: { PATH: process.env.PATH ?? '', ...env } }, (error, out, err) => { resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }); });
});

test('an endpoint that can do it all is said to, after one small call for each way of asking', async () => {
  const { asked, checks, line } = await found(() => ready, { price: '1,2,0.5' });
  expect(asked.map(({ body }) => body.response_format?.type ?? 'tools')).toEqual(['tools', 'json_schema', 'json_object']);
  expect(asked.every(({ body }) => (body.max_tokens ?? 1e9) <= 2000)).toBe(true);
  expect(checks.map(({ name, ok }) => `${name} ${ok}`)).toEqual(['endpoint ok', 'streams ok', 'usage ok', 'tool calls ok', 'JSON schema ok', 'JSON mode ok', 'price ok']);
  expect(line('endpoint')).toMatch(/^ok scripted at 127\.0\.0\.1:\d+ answers: first word after \d+\.\d s, all after \d+\.\d s$/);
  expect(line('usage')).toMatch(/^ok reported: \d+ tokens in, \d+ of them kept, \d+ out$/);
  expect(line('tool calls')).toBe('ok works, and is the method asked for');
  expect(line('price')).toMatch(/^ok 1 for a million tokens in, 0\.5 kept, 2 out: what was tried here cost \d/);
  expect(new Set(checks.map(({ model }) => model)).size).toBe(1);
});

test('an endpoint without JSON schema is one that can be worked with, unless that is what was asked for', async () => {
  const picky: Script = ({ body }) => (body.response_format?.type === 'json_schema' ? failing(400, 'response_format json_schema is not supported') : ready);
  const { line } = await found(picky);
  expect([line('tool calls'), line('JSON schema')]).toEqual(['ok works, and is the method asked for', expect.stringMatching(/^weak cannot be used: scripted at \S+ answered 400: response_format json_schema is not supported$/)]);
  expect((await found(picky, { yaml: 'json-schema' })).line('JSON schema')).toMatch(/^bad .*not supported: say method: tools in the file of models, which works$/);
});

test('a model that answers in words where a tool was asked for cannot be worked with by tools', async () => {
  const { line } = await found(({ body }) => (body.tools ? say('ready!') : ready));
  expect(line('endpoint')).toMatch(/^ok /);
  expect(line('tool calls')).toBe('bad answered, but not as asked: say method: json-schema in the file of models, which works');
  expect((await found(() => say('ready!'))).line('tool calls')).toBe('bad answered, but not as asked: none of the three methods works: this model cannot be worked with');
});

test('usage that is not reported, an answer in one piece and a price that nobody said are told, and stop nothing', async () => {
  const { checks, line } = await found(({ body }) => ({ ...ready, ...(body.tools ? { text: '', calls: [{ tool: 'report', input: { word: 'x' } }] } : { text: '' }), usage: 'absent' }));
  expect(line('usage')).toMatch(/^weak not reported: tokens and money are estimated/);
  expect(line('price')).toMatch(/^weak not known: no limit of money can be set: give --price IN,OUT/);
  expect(checks.filter(({ ok }) => ok === 'bad')).toEqual([]);
});

test('a call in one piece is how many endpoints send them: only one that sends words so too is warned of', async () => {
  const whole = use('report', { word: 'x' });
  expect((await found(() => whole)).line('streams')).toMatch(/^ok words in \d+ pieces, a call in one: while a long edit is written it is silent, as long as patience: \{silence: SECONDS\} in the file of models allows$/);
  expect((await found(({ body }) => (body.tools ? whole : failing(400, 'not supported')))).line('streams')).toMatch(/^weak the answer came in one piece.*: raise patience: \{silence: SECONDS\}/);
});

test.each<readonly [string, Script, RegExp]>([
  ['is busy', () => tooMany('3'), /^bad scripted at \S+ answered 429: .*: it is there, and takes no call now: try again in 3\.0 s$/],
  ['wants a key where none was named', () => failing(401, 'who are you?'), /^bad .*401: who are you\?; it was sent no key: .*key: \{env: NAME\}.*--models FILE(?!.*OPENAI_API_KEY)/],
  ['has failed', () => failing(500, 'oops'), /^bad .*500: oops: start it, or look at its log/],
  ['does not know the model', () => failing(404, 'no such model'), /^bad .*404: no such model; check the name of the model, and that baseURL ends where its documentation says, mostly in \/v1$/],
  ['is a website', () => ({ kind: 'raw', contentType: 'text/html', body: '<html>' }), /^bad .*text\/html where a stream of events was asked for: check that baseURL is that of a chat-completions API which streams, mostly ending in \/v1$/],
])('an endpoint that %s is said to be, with the remedy', async (_, script, says) => {
  const { line, asked } = await found(script);
  expect(line('endpoint')).toMatch(says);
  expect(asked.length).toBeLessThanOrEqual(3);
});

test('the program prints a line a check, or JSON, and its exit code says whether the model can be worked with', async () => {
  await using server = await openAiServer(() => ready, { key: 'key-of-the-endpoint' });
  const dir = await mkdtemp(join(tmpdir(), 'brigade-doctor-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, 'models.yaml'), `model: a\nbaseURL: ${server.baseURL}\nkey: {env: A_KEY}\nprice: {input: 0, output: 0}\nspecialists:\n  kernel: {model: b}\n  data: {temperature: 0}\n`);
  const good = await program(['doctor', '--models', join(dir, 'models.yaml'), '--json'], { A_KEY: 'key-of-the-endpoint' });
  expect({ code: good.code, err: good.err }).toEqual({ code: 0, err: '' });
  const lines = good.out.trimEnd().split('\n').map((line) => JSON.parse(line) as { name: string; ok: string; model: string });
  expect(lines.map(({ name, model }) => `${model.slice(0, 1)} ${name}`)).toEqual(['a', 'b'].flatMap((model) => ['endpoint', 'streams', 'usage', 'tool calls', 'JSON schema', 'JSON mode', 'price'].map((name) => `${model} ${name}`)));
  const wrong = await program(['doctor', '--models', join(dir, 'models.yaml')], { A_KEY: 'key-of-somebody-else' });
  expect({ code: wrong.code, out: wrong.out }).toEqual({ code: 1, out: expect.stringMatching(/^✗ endpoint {5}a at \S+ answered 401: Incorrect API key provided: \S* ?\*\*\*; check that the key is of this endpoint.*OPENAI_API_KEY/) });
  expect(`${wrong.out}${wrong.err}${good.out}`).not.toMatch(/somebody-else|key-of-the-endpoint/);
  expect(await program(['doctor', '--models', join(dir, 'models.yaml')])).toEqual({ code: 1, out: '', err: expect.stringMatching(/^A_KEY is not set/) });
  expect(await program(['doctor', '--model'])).toEqual({ code: 1, out: '', err: expect.stringMatching(/^name the model/) });
});
