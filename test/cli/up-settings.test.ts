import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { settingsFrom, whoOptions, workOptions, type UpFlags, type UpSettings } from '../../src/cli/up-settings.ts';

// What a headless daemon is told: flags over environment over file.

let dir: string;
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), 'brigade-up-')); });
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Reads a command line as `brigade up` does. */
async function read(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<UpSettings> {
  for (const [key, value] of Object.entries(env)) vi.stubEnv(key, value);
  try {
    let read: Promise<UpSettings> | null = null;
    const command = workOptions(whoOptions(new Command('up'))).exitOverride().action((role: string, flags: UpFlags) => { read = settingsFrom(role, flags); });
    await command.parseAsync([...args], { from: 'user' });
    if (read === null) throw new Error('nothing was read');
    return await read;
  } finally {
    vi.unstubAllEnvs();
  }
}

async function file(name: string, ...lines: string[]): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

test('flags go before the environment, and the environment before the file', async () => {
  const config = await file('brigade.yaml', 'nats: nats://filed:4222', 'keys: ./keys', 'node: filed', 'slots: 3', 'sandbox: namespaces', 'run: [night-1, night-2]');
  expect(await read(['node', '--config', config])).toEqual({
    role: 'node', nats: 'nats://filed:4222', keys: join(dir, 'keys'), runs: ['night-1', 'night-2'], node: 'filed', name: 'filed', slots: '3', sandbox: 'namespaces', devices: null, domain: null, models: null, concurrent: null,
  });
  const env = { BRIGADE_CONFIG: config, BRIGADE_NATS_URL: 'nats://told:4222', BRIGADE_NODE: 'told', BRIGADE_SLOTS: '5', BRIGADE_RUN: 'night-3,night-4' };
  expect(await read(['node'], env)).toMatchObject({ nats: 'nats://told:4222', node: 'told', slots: '5', sandbox: 'namespaces', runs: ['night-3', 'night-4'] });
  expect(await read(['node', '--node', 'typed', '--run', 'a', '--run', 'b', '--slots', '7'], env)).toMatchObject({ nats: 'nats://told:4222', node: 'typed', slots: '7', runs: ['a', 'b'] });
});

test('an empty variable says nothing', async () => {
  const config = await file('empty.yaml', 'nats: nats://filed:4222', 'node: filed');
  expect(await read(['broker', '--config', config], { BRIGADE_NODE: '', BRIGADE_RUN: '', BRIGADE_KEYS: '' })).toMatchObject({ node: 'filed', runs: null, keys: null });
});

test.each([
  ['slotz: 3', /wrong\.yaml:2:\d+ {2}slotz: no such field; did you mean `slots`\? The fields are nats, keys, run, node, slots,/],
  ['slots: many', /wrong\.yaml:2:8 {2}slots: "many" will not do: give a whole number from 1 to 1024/],
  ['sandbox: strong', /wrong\.yaml:2:10 {2}sandbox: "strong" will not do: give best, bubblewrap, namespaces or none/],
  ['run: [a, b.c]', /wrong\.yaml:2:\d+ {2}run/],
  ['node: [', /wrong\.yaml:\d+:\d+ /],
])('a file with %j is refused with its place and its field', async (line, why) => {
  const config = await file('wrong.yaml', 'nats: nats://filed:4222', line);
  await expect(read(['node', '--config', config])).rejects.toThrow(why);
});

test('an address with a password in the file is refused without repeating it', async () => {
  const config = await file('secret.yaml', 'nats: nats://me:hunter2@head:4222');
  const refused = await read(['node', '--config', config]).catch((error: unknown) => String(error));
  expect(refused).toMatch(/secret\.yaml:1:7 {2}nats: will not do: give the address alone/);
  expect(refused).not.toContain('hunter2');
});

test.each([
  [['node', '--config', 'nowhere.yaml'], /nowhere\.yaml cannot be read: --config names a file of settings/],
  [['keeper'], /up keeper has no server: give --nats URL, BRIGADE_NATS_URL, or nats: in brigade\.yaml or \/etc\/brigade\/brigade\.yaml/],
  [['janitor', '--nats', 'nats://x:1'], /the role janitor must be one of broker, keeper, evaluator, specialist, node/],
  [['evaluator', '--nats', 'nats://x:1'], /an evaluator serves one run: give --run RUN or BRIGADE_RUN; brigade up node serves every run/],
  [['specialist', '--nats', 'nats://x:1'], /specialists have no credential that could list runs: give --run/],
  [['node', '--nats', 'nats://x:1', '--run', 'a b'], /--run a b must be 1 to 64 letters/],
] as const)('%j is refused and says the remedy', async (args, why) => {
  await expect(read(args, { BRIGADE_NATS_URL: '', BRIGADE_CONFIG: '' })).rejects.toThrow(why);
});

test('whoever starts all specialists goes by the first of their keys, and by its machine where one key is for all', async () => {
  await writeFile(join(dir, 'specialist-optimizer.nk'), '');
  await writeFile(join(dir, 'specialist-data.nk'), '');
  const args = ['specialist', '--nats', 'nats://x:1', '--run', 'r', '--node', 'borg', '--keys', dir];
  expect(await read(args)).toMatchObject({ name: 'data', node: 'borg', domain: null });
  expect(await read([...args, '--domain', 'optimizer'])).toMatchObject({ name: 'optimizer' });
  await writeFile(join(dir, 'specialist.nk'), '');
  expect(await read(args)).toMatchObject({ name: 'borg' });
});
