import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { diagnose, findToolchain } from '../../src/adapters/toolchain/index.ts';
import { natsBinary } from '../support/nats.ts';

const project = join(import.meta.dirname, '..', '..');

const pinsText = await readFile(join(project, 'deploy', 'setup', 'pins.json'), 'utf8');
const pins = createHash('sha256').update(pinsText).digest('hex');

interface Marks { root: string; pins: string | null; brigade: string; steps: Record<string, object> }

/** A checkout that looks set up; `change` spoils what set-up left. */
async function checkout(change: (marks: Marks) => void = () => {}): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'brigade-toolchain-')));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  for (const folder of ['deploy/setup', '.brigade', 'evaluators']) await mkdir(join(root, folder), { recursive: true });
  await copyFile(join(project, 'deploy', 'setup', 'pins.json'), join(root, 'deploy', 'setup', 'pins.json'));
  await writeFile(join(root, 'package.json'), '{}');
  const marks: Marks = {
    root, brigade: '1.2.3', pins,
    steps: {
      python: { key: 'k', path: join(project, '.brigade', 'python', 'bin', 'python'), version: '3.11.7', torch: '2.13.0+cpu', numpy: '2.4.6', device: 'cpu', own: true },
      nats: { path: natsBinary, version: '2.15.1' },
      sandbox: { path: null, version: null, why: 'not tried in this test' },
    },
  };
  change(marks);
  await writeFile(join(root, '.brigade', 'setup.json'), JSON.stringify(marks));
  return root;
}

const nats = async (root: string) => (await diagnose(root)).find(({ name }) => name === 'nats-server');

test('a finished set-up is found with its paths and versions', async () => {
  const root = await checkout();
  expect(await findToolchain(root)).toMatchObject({ root, pythonVersion: '3.11.7', torchVersion: '2.13.0+cpu', device: 'cpu', nats: { version: '2.15.1' }, bwrap: null, dataDir: join(root, '.brigade/data'), brigadeVersion: '1.2.3' });
});

test('a server of the user\'s own leaves no nats-server to find', async () => {
  expect((await findToolchain(await checkout(({ steps }) => { steps['nats'] = { path: null, version: null }; }))).nats).toBeNull();
});

test.each<[string, (marks: Marks) => void, RegExp]>([
  ['unfinished', (marks) => { marks.pins = null; }, /unfinished/],
  ['without a Python', ({ steps }) => { delete steps['python']; }, /unfinished, there is no Python/],
  ['made for other pins', (marks) => { marks.pins = '0'.repeat(64); }, /pinned versions have changed/],
  ['made where the checkout lay before', (marks) => { marks.root = '/elsewhere'; }, /done for \/elsewhere/],
  ['pointing at a nats-server that is gone', ({ steps }) => { steps['nats'] = { path: '/nowhere/nats-server', version: '2.15.1' }; }, /\/nowhere\/nats-server is gone/],
  ['with words it does not know', ({ steps }) => { steps['surprise'] = {}; }, /not one that this version reads/],
])('a set-up that is %s is refused with the command that mends it', async (_, change, says) => {
  const problem = findToolchain(await checkout(change));
  await expect(problem).rejects.toThrow(says);
  await expect(problem).rejects.toThrow(/npm run setup in \/.+$/);
});

test('nothing set up at all is said so, by doctor too', async () => {
  const root = await checkout();
  await rm(join(root, '.brigade'), { recursive: true });
  await expect(findToolchain(root)).rejects.toThrow(`nothing is set up here yet: npm run setup in ${root}`);
  expect(await diagnose(root)).toContainEqual({ name: 'set-up', ok: 'bad', says: 'nothing is set up here yet', remedy: `npm run setup in ${root}` });
});

test('doctor finds our own nats-server durable by asking it while it runs', async () => {
  expect(await nats(await checkout())).toMatchObject({ ok: 'ok', says: expect.stringContaining('every acknowledged message is on disk') });
});

test('doctor refuses a nats-server below the floor and says how to get a newer one', async () => {
  const root = await checkout(({ steps, root: at }) => { steps['nats'] = { path: join(at, 'nats-server'), version: '2.9.10' }; });
  await writeFile(join(root, 'nats-server'), '#!/bin/sh\necho "nats-server: v2.9.10"\n');
  await chmod(join(root, 'nats-server'), 0o755);
  expect(await nats(root)).toMatchObject({ ok: 'bad', says: expect.stringContaining('2.9.10'), remedy: expect.stringContaining('npm run setup') });
});

test('doctor does not take the word of a nats-server that never starts', async () => {
  const root = await checkout(({ steps, root: at }) => { steps['nats'] = { path: join(at, 'nats-server'), version: '2.15.1' }; });
  await writeFile(join(root, 'nats-server'), '#!/bin/sh\n[ "$1" = --version ] && echo "nats-server: v2.15.1" && exit\nexit 1\n');
  await chmod(join(root, 'nats-server'), 0o755);
  expect(await nats(root)).toMatchObject({ ok: 'bad', says: expect.stringContaining('did not start') });
});
