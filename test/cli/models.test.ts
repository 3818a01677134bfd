import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isNear, readKey } from '../../src/cli/models-key.ts';
import { modelsAnew, modelsBy, settingsFor, type ModelFlags } from '../../src/cli/models-flags.ts';
import { describeModels, distinctModels, environmentOf, modelOf, openModelOf, recallModels, requirePrices, storeModels, USUAL } from '../../src/cli/models.ts';
import { NO_LIMITS } from '../../src/domain/budget.ts';
import { openAiServer, say } from '../support/openai-server.ts';

const SECRET = 'sk-proj-planted0123456789never';
const ROSTER = ['optimizer', 'architecture', 'data', 'kernel'];
let dir: string;
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), 'brigade-models-')); });
afterAll(() => rm(dir, { recursive: true, force: true }));

let count = 0;
async function file(text: string): Promise<string> {
  const path = join(dir, `models-${count += 1}.yaml`);
  await writeFile(path, text);
  return path;
}
const by = (flags: ModelFlags, environment: Record<string, string> = {}) => modelsBy(flags, { names: ROSTER, environment });
const read = async (text: string, environment: Record<string, string> = {}) => by({ models: await file(text) }, environment);
const refusal = (asked: Promise<unknown>): Promise<Error> => asked.then((models) => { throw new Error(`taken: ${JSON.stringify(models)}`); }, (error: Error) => error);

const WHOLE = `model: gpt-5-mini
baseURL: https://api.openai.com/v1
key: {env: OPENAI_API_KEY}
temperature: 0.7
reasoning: low
method: tools
price: {input: 0.25, cached: 0.025, output: 2.0}
patience: {first: 60}
limits: {turns: 12, money: 0.5}
budget: {tokens: 1000000}
specialists:
  kernel: {model: gpt-5, price: {input: 1.25, output: 10}}
  data: {baseURL: "http://127.0.0.1:8000/v1/", model: qwen, method: json-schema, limits: {turns: 40}}
  architecture: {temperature: null}
`;

test('a file of models says what each specialist thinks with: its own words over those for all', async () => {
  const models = await read(WHOLE);
  const all = { ...USUAL, model: 'gpt-5-mini', baseURL: 'https://api.openai.com/v1', key: { env: 'OPENAI_API_KEY' }, temperature: 0.7, reasoning: 'low', price: { input: 0.25, cached: 0.025, output: 2 }, patience: { firstSeconds: 60, silenceSeconds: 120 }, limits: { ...USUAL.limits, turns: 12, money: 0.5 }, budget: { tokens: 1_000_000, money: null } };
  expect(modelOf(models, 'optimizer')).toEqual(all);
  expect(modelOf(models, 'kernel')).toEqual({ ...all, model: 'gpt-5', price: { input: 1.25, cached: 1.25, output: 10 } });
  expect(modelOf(models, 'architecture')).toEqual({ ...all, temperature: null });
  expect(modelOf(models, 'constructor')).toEqual(all);
});

test('a price is not taken along to another model, nor a key to another endpoint', async () => {
  const data = modelOf(await read(WHOLE), 'data');
  expect(data).toMatchObject({ model: 'qwen', baseURL: 'http://127.0.0.1:8000/v1', key: null, price: null, method: 'json-schema', limits: { turns: 40, money: 0.5 } });
  const elsewhere = await refusal(read('model: a\nspecialists:\n  data: {baseURL: https://api.elsewhere.example/v1}\n'));
  expect(elsewhere.message).toMatch(/:3:\d+ {2}specialists\.data\.baseURL: has no key of its own, and that of api\.openai\.com is not sent there/);
  expect(modelOf(await read('model: a\nspecialists:\n  data: {baseURL: https://api.elsewhere.example/v1, key: none}\n'), 'data').key).toBeNull();
});

test.each([
  ['modle: x\n', /models-\d+\.yaml:1:8 {2}modle: no such field; did you mean `model`\? The fields are model, baseURL/],
  ['baseURL: http://localhost/v1\n', /:1:1 {2}model: is missing/],
  ['model: x\nmethod: magic\n', /:2:9 {2}method: "magic" will not do: give one of tools, json-schema, json\./],
  ['model: x\ntemperature: hot\n', /:2:14 {2}temperature: "hot" will not do: give a number from 0 to 2/],
  ['model: x\nprice: {input: -1, output: 2}\n', /:2:16 {2}price\.input: -1 will not do: give at least 0/],
  ['model: x\nprice: {input: 1}\n', /:2:8 {2}price\.output: is missing/],
  ['model: x\nlimits: {turn: 5}\n', /:2:16 {2}limits\.turn: no such field; did you mean `turns`\?/],
  ['model: x\nlimits: {output: 1e9}\n', /limits\.output: .* at most 1000000/],
  ['model: x\nspecialists:\n  kernal: {model: y}\n', /:3:11 {2}specialists\.kernal: is no specialist here; did you mean `kernel`\? They are optimizer, architecture, data, kernel\./],
  ['model: x\nspecialists:\n  kernel: {modle: y}\n', /:3:19 {2}specialists\.kernel\.modle: no such field; did you mean `model`\?/],
  ['model: [x\n', /models-\d+\.yaml:\d+:\d+ .*correct the YAML/],
  ['model: x\nbaseURL: ftp://x/v1\n', /:2:10 {2}baseURL: will not do: give an http or https address/],
  ['model: x\nbaseURL: http://api.example.com/v1\nkey: {env: A_KEY}\n', /:2:10 {2}baseURL: would have the key sent in the clear: use https/],
])('%j is refused with its place and its remedy', async (text, says) => {
  const error = await refusal(read(text));
  expect({ name: error.name, message: error.message }).toEqual({ name: 'Mistake', message: expect.stringMatching(says) });
});

test.each([
  `model: x\nkey: ${SECRET}\n`, `model: x\nkey: {env: ${SECRET}}\n`, `model: x\nkey: {file: ${SECRET}}\n`, `model: x\nkey: {value: ${SECRET}}\n`, `model: x\nkey: [${SECRET}]\n`,
  `model: x\nspecialists:\n  kernel: {key: ${SECRET}}\n`, `model: x\nbaseURL: https://me:${SECRET}@api.example.com/v1\n`, `model: x\nbaseURL: https://api.example.com/v1?key=${SECRET}\n`,
])('a key that stands in the file itself is refused, and not repeated: %#', async (text) => {
  const error = await refusal(read(text));
  expect(error.message).toMatch(/:\d+:\d+ {2}(specialists\.kernel\.)?(key: does not say where a key is|baseURL: will not do: give the address alone)/);
  expect(`${error.message}${error.stack}`).not.toContain('planted');
});

test('without a file the flags and two variables say it, and a near endpoint is given no key', async () => {
  expect((await by({ model: 'gpt-5-mini', price: '0.25,2.0' })).defaults).toEqual({ ...USUAL, model: 'gpt-5-mini', baseURL: 'https://api.openai.com/v1', key: { env: 'OPENAI_API_KEY' }, price: { input: 0.25, cached: 0.25, output: 2 } });
  expect((await by({ model: 'q' }, { OPENAI_BASE_URL: 'http://gpu-box:8000/v1' })).defaults).toMatchObject({ baseURL: 'http://gpu-box:8000/v1', key: null, price: null });
  expect((await by({ model: 'q', baseUrl: 'http://localhost:11434/v1', price: '1,2,0.5' }, { OPENAI_BASE_URL: 'https://x.example/v1' })).defaults).toMatchObject({ baseURL: 'http://localhost:11434/v1', price: { cached: 0.5 } });
  expect((await by({ models: await file('model: q\n') }, { OPENAI_BASE_URL: 'http://gpu-box:8000/v1' })).defaults.baseURL).toBe('http://gpu-box:8000/v1');
});

test.each<readonly [ModelFlags, RegExp]>([
  [{}, /^name the model that specialists think with: --model NAME/],
  [{ baseUrl: 'http://localhost/v1' }, /^name the model/],
  [{ models: 'm.yaml', model: 'x', price: '1,2' }, /^--model, --price are said in the file of --models: leave them out/],
  [{ models: '/nowhere/m.yaml' }, /^\/nowhere\/m\.yaml cannot be read: --models names a file/],
  [{ model: 'x', price: '1' }, /^--price 1 must be IN,OUT/],
  [{ model: 'x', price: '1,x' }, /^--price x must be a number/],
  [{ model: 'x', baseUrl: `https://a:${SECRET}@b.example/v1` }, /^--base-url will not do: give the address alone/],
  [{ model: 'x', baseUrl: 'http://api.example.com/v1' }, /^--base-url would have the key sent in the clear/],
  [{ model: 'x\ny' }, /^--model must be the name/],
])('%j is refused', async (flags, says) => {
  const error = await refusal(by(flags));
  expect({ name: error.name, message: error.message }).toEqual({ name: 'Mistake', message: expect.stringMatching(says) });
  expect(error.message).not.toContain('planted');
});

test('a limit of money is refused for whoever has no price, and only for them', async () => {
  const models = await read('model: a\nprice: {input: 1, output: 2}\nspecialists: {kernel: {model: b}}\n');
  expect(() => requirePrices(models, ROSTER, { ...NO_LIMITS, money: 5 })).toThrow(/^this run has a limit of money, and nobody said what b costs \(kernel\): give --price IN,OUT .* or leave the limit out$/);
  requirePrices(models, ['optimizer', 'data'], { ...NO_LIMITS, money: 5 });
  requirePrices(models, ROSTER, { ...NO_LIMITS, tokens: 5 });
  for (const own of ['limits: {money: 1}', 'budget: {money: 1}']) {
    const bounded = await read(`model: a\n${own}\n`);
    expect(() => requirePrices(bounded, ROSTER, NO_LIMITS), own).toThrow(/^its sessions or budget have a limit of money, and nobody said what a costs/);
  }
});

test('a key is read from where it is said to be; a message about one never holds any of it', async () => {
  const baseURL = 'https://api.openai.com/v1';
  const path = join(dir, 'key');
  await writeFile(path, `${SECRET}\n`, { mode: 0o600 });
  expect(await readKey({ baseURL, key: null }, {})).toBeNull();
  expect(await readKey({ baseURL, key: { env: 'A_KEY' } }, { A_KEY: ` ${SECRET}\n` })).toBe(SECRET);
  expect(await readKey({ baseURL, key: { file: path } }, {})).toBe(SECRET);
  const said: string[] = [];
  const told = async (key: { env: string } | { file: string }, environment: Record<string, string> = {}) => { const { message } = await refusal(readKey({ baseURL, key }, environment)); said.push(message); return message; };
  expect(await told({ env: 'A_KEY' })).toMatch(/^A_KEY is not set, and api\.openai\.com is asked with the key in it: export A_KEY=/);
  expect(await told({ env: 'A_KEY' }, { A_KEY: `${SECRET} and more` })).toMatch(/^the environment variable A_KEY holds no key/);
  await chmod(path, 0o644);
  expect(await told({ file: path })).toBe(`${path} can be read or changed by others on this machine (mode 644): chmod 600 ${path}`);
  await writeFile(path, `${SECRET}\n${SECRET}\n`);
  await chmod(path, 0o600);
  expect(await told({ file: path })).toMatch(/holds no key/);
  await writeFile(path, SECRET.repeat(200));
  expect(await told({ file: path })).toMatch(/is no file of one key/);
  expect(await told({ file: dir })).toMatch(/is no file of one key/);
  expect(await told({ file: join(dir, 'gone') })).toMatch(/is not there, and holds the key for api\.openai\.com/);
  expect(said.join()).not.toContain('planted');
});

test('a path of a key is meant from the file that names it', async () => {
  expect((await read('model: a\nkey: {file: ./keys/x}\n')).defaults.key).toEqual({ file: join(dir, 'keys', 'x') });
  expect((await read('model: a\nkey: {file: ~/keys/x}\n')).defaults.key).toEqual({ file: expect.stringMatching(/^\/(?!.*~).*\/keys\/x$/) });
});

test.each([['http://localhost:1/v1', true], ['http://127.0.0.1/v1', true], ['http://[::1]:8080/v1', true], ['http://10.1.2.3/v1', true], ['http://172.20.0.1/v1', true], ['http://172.40.0.1/v1', false], ['http://gpu/v1', true], ['http://gpu.lan/v1', true], ['https://api.openai.com/v1', false], ['http://8.8.8.8/v1', false], ['http://10.evil.example/v1', false]])('%s is near: %s', (url, near) => {
  expect(isNear(url)).toBe(near);
});

test('only the daemon of the specialist whose model needs it is given the name of a key', async () => {
  const models = await read('model: a\nkey: {env: COMMON_KEY}\nspecialists:\n  kernel: {baseURL: https://b.example/v1, key: {env: KERNEL_KEY}}\n  data: {baseURL: http://localhost/v1}\n');
  const given = (daemon: string) => environmentOf(models, daemon).filter((name) => name.endsWith('_KEY'));
  expect(['specialist-optimizer', 'specialist-kernel', 'specialist-data', 'broker', 'evaluator', 'lineage', 'composer', 'specialist'].map(given)).toEqual([['COMMON_KEY'], ['KERNEL_KEY'], [], [], [], [], [], []]);
  expect(environmentOf(null, 'specialist-kernel')).toEqual([]);
});

test('the models of a run lie in its folder without a key, and are read again as they were', async () => {
  const place = { root: dir, runs: join(dir, 'runs') };
  await mkdir(join(place.runs, 'r'), { recursive: true });
  const models = await read(WHOLE, { OPENAI_API_KEY: SECRET });
  await storeModels(place, 'r', models);
  const stored = join(place.runs, 'r', 'models.json');
  expect(await recallModels(place, 'r')).toEqual(models);
  expect(await readFile(stored, 'utf8')).not.toContain('planted');
  expect((await stat(stored)).mode & 0o777).toBe(0o600);
  expect(await settingsFor(place, 'r', 'kernel', {})).toEqual(modelOf(models, 'kernel'));
  expect(await settingsFor(place, 'r', 'kernel', { model: 'other', baseUrl: 'http://localhost/v1' })).toMatchObject({ model: 'other' });
  expect(await recallModels(place, 'another')).toBeNull();
  await expect(settingsFor(place, 'another', 'kernel', {})).rejects.toThrow(/^the folder of another does not say what model kernel thinks with: give --models FILE/);
  await writeFile(stored, '{}');
  await expect(recallModels(place, 'r')).rejects.toThrow(/models\.json is not what a run's models are written as/);
});

test('a run that goes on has its endpoint where it is now, for whoever was asked at the old one, and nothing else of it otherwise', async () => {
  const had = await read('model: a\nbaseURL: http://gpu:8000/v1\nprice: {input: 0, output: 0}\nspecialists:\n  data: {baseURL: http://other:8000/v1}\n  kernel: {model: b}\n');
  const anew = (flags: ModelFlags, from = had) => modelsAnew(flags, from, { names: ROSTER, roster: ROSTER, environment: {} });
  const moved = await anew({ baseUrl: 'http://gpu-2:9000/v1/' });
  expect(modelOf(moved, 'optimizer')).toEqual({ ...had.defaults, baseURL: 'http://gpu-2:9000/v1' });
  expect(modelOf(moved, 'kernel')).toEqual({ ...modelOf(had, 'kernel'), baseURL: 'http://gpu-2:9000/v1' });
  expect(modelOf(moved, 'data')).toEqual(modelOf(had, 'data'));
  expect(describeModels(moved, ROSTER)).toBe('a at gpu-2:9000 (optimizer, architecture); a at other:8000 (data); b at gpu-2:9000 (kernel)');
  expect((await anew({ price: '1,2' })).defaults).toEqual({ ...had.defaults, price: { input: 1, cached: 1, output: 2 } });
  expect(modelOf(await anew({ models: await file('model: a\nbaseURL: http://gpu-3/v1\nprice: {input: 1, output: 1}\nbudget: {tokens: 5000}\nspecialists: {kernel: {model: b}}\n') }), 'optimizer')).toMatchObject({ baseURL: 'http://gpu-3/v1', budget: { tokens: 5000 } });
  expect((await refusal(anew({ models: await file('model: a\nbaseURL: http://gpu-3/v1\n') }))).message).toMatch(/has kernel think with a, and it thought with b: .* Name that one, or start a new run$/);
  expect((await refusal(anew({ models: await file('model: a\nbaseURL: http://gpu-3/v1\nspecialists: {kernel: {model: b}}\n') }))).message).toMatch(/does not say what a costs \(optimizer\), which the run reckoned with so far: add its price$/);
  expect((await refusal(anew({ baseUrl: 'nonsense' }))).message).toMatch(/^--base-url will not do/);
});

test('a key is not taken along to where an endpoint moved, and not sent in the clear', async () => {
  const anew = async (text: string, baseUrl: string) => modelsAnew({ baseUrl }, await read(text), { names: ROSTER, roster: ROSTER, environment: {} });
  const own = 'model: a\nbaseURL: https://api.one.example/v1\nkey: {env: ONE_KEY}\n';
  expect((await anew(own, 'https://api.one.example/v2')).defaults).toMatchObject({ baseURL: 'https://api.one.example/v2', key: { env: 'ONE_KEY' } });
  expect((await refusal(anew(own, 'https://api.two.example/v1'))).message).toBe('the key for api.one.example is not sent to api.two.example: say in a file where the key for that is, and give it by --models FILE');
  expect((await refusal(anew('model: a\nbaseURL: http://localhost/v1\n', 'http://api.two.example/v1'))).message).toMatch(/^--base-url would have the key sent in the clear/);
});

test('a model whose key is missing, or not taken any more, refuses, and is asked with the key as soon as its file has it', async () => {
  await using server = await openAiServer(() => say('here'), { key: SECRET });
  const path = join(dir, 'late.key');
  const settings = { ...USUAL, model: 'scripted', baseURL: server.baseURL, key: { file: path } };
  const model = await openModelOf(settings);
  const ask = () => model.ask({ system: 'be brief', turns: [{ role: 'user', text: 'hello' }], tools: [], mostTokens: 50 }, { signal: new AbortController().signal, onProgress: () => undefined });
  expect(await refusal(ask())).toMatchObject({ name: 'ModelFailed', kind: 'key', message: expect.stringMatching(/late\.key is not there, and holds the key for 127\.0\.0\.1/) });
  await writeFile(path, 'sk-of-yesterday\n', { mode: 0o600 });
  expect(await refusal(ask())).toMatchObject({ kind: 'key', message: expect.stringContaining('401') });
  await writeFile(path, `${SECRET}\n`);
  expect((await ask()).text).toBe('here');
  await rm(path);
  expect((await ask()).text, 'what was read is kept').toBe('here');
});

test('each model at each endpoint is counted once, with whoever thinks with it', async () => {
  const models = await read(WHOLE);
  expect(distinctModels(models, ROSTER).map(({ settings, specialists }) => [settings.model, specialists])).toEqual([['gpt-5-mini', ['optimizer', 'architecture']], ['qwen', ['data']], ['gpt-5', ['kernel']]]);
  expect(distinctModels(models).map(({ settings }) => settings.model)).toEqual(['gpt-5-mini', 'gpt-5', 'qwen']);
});

test('the file in the guide is right, and says what holds where nothing is said', async () => {
  const guide = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'models.md'), 'utf8');
  const [listing = ''] = [...guide.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text);
  const models = await read(listing);
  const { model: _, baseURL: __, key: ___, ...usual } = models.defaults;
  expect(usual).toEqual({ ...USUAL, reasoning: 'low', price: { input: 0.25, cached: 0.025, output: 2 } });
  expect(Object.keys(models.specialists)).toEqual(['kernel', 'data']);
  requirePrices(models, ROSTER, { ...NO_LIMITS, money: 5 });
});
