import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const DIST = join(import.meta.dirname, '..', '..', 'dist');
const HOOK = `import { appendFileSync } from 'node:fs';
export async function load(url, context, next) { appendFileSync(process.env.LOADED, url + '\\n'); return next(url, context); }`;
const REGISTER = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(HOOK)}`)});`;

let dir: string;
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), 'brigade-cold-')); });
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Every module that a program loaded. */
async function loadedBy(name: string, args: readonly string[]): Promise<readonly string[]> {
  const file = join(dir, name);
  await promisify(execFile)(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(REGISTER)}`, ...args], { env: { ...process.env, LOADED: file, BRIGADE_RUNS: dir } }).catch((error: unknown) => { if (!String(error).includes('no run')) throw error; });
  return (await readFile(file, 'utf8')).trimEnd().split('\n');
}
const langchain = (modules: readonly string[]): number => modules.filter((url) => url.includes('@langchain')).length;
const importing = (...files: string[]): string[] => ['--input-type=module', '-e', files.map((file) => `await import(${JSON.stringify(join(DIST, file))});`).join('')];

test.each([
  ['--help', [join(DIST, 'main.js'), '--help']],
  ['status', [join(DIST, 'main.js'), 'status']],
  ['run --help', [join(DIST, 'main.js'), 'run', '--help']],
  ['a search specialist', importing('cli/daemon-specialist.js')],
  ['a broker and a keeper', importing('cli/daemon-broker.js', 'actors/lineage/index.js')],
])('%s starts without loading a language-model library', async (name, args) => {
  const modules = await loadedBy(name.replaceAll(/\W+/g, '-'), args);
  expect(modules.length).toBeGreaterThan(5);
  expect(modules.filter((url) => /@langchain|node_modules\/openai\//.test(url))).toEqual([]);
});

test('a specialist that thinks with a model does load one, so that the count above means something', async () => {
  const loading = importing('actors/specialist/index.js');
  loading[2] += `const { loadThinking } = await import(${JSON.stringify(join(DIST, 'actors/specialist/index.js'))}); await loadThinking();`;
  expect(langchain(await loadedBy('thinking', loading))).toBeGreaterThan(20);
});
