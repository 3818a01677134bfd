import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seal } from '../../src/adapters/workbench/seal.ts';
import { edit, rig } from '../actors/evaluator-rig.ts';

const tricks: readonly (readonly [string, (path: string, folder: string) => Promise<unknown>, unknown])[] = [
  ['a symbolic link to a file outside is a forgery', (path) => symlink('/etc/hostname', path), { kind: 'forged', what: 'artifact.bin is a symbolic link' }],
  ['a link to nothing is a forgery', (path) => symlink('/nowhere', path), { kind: 'forged', what: 'artifact.bin is a symbolic link' }],
  ['a pipe is a forgery, and nobody waits for its writer', async (path) => execFileSync('mkfifo', [path]), { kind: 'forged', what: 'artifact.bin is a pipe' }],
  ['a folder is a forgery', (path) => mkdir(path), { kind: 'forged', what: 'artifact.bin is a folder' }],
  ['a second name of another file is a forgery', async (path, folder) => { await writeFile(join(folder, 'other'), 'x'); await link(join(folder, 'other'), path); }, { kind: 'forged', what: 'artifact.bin has a second name' }],
  ['a sparse terabyte is too large, and not read', async (path) => { const file = await open(path, 'w'); await file.truncate(2 ** 40); await file.close(); }, { kind: 'too-large', bytes: 2 ** 40 }],
  ['nothing at all is absent', async () => undefined, { kind: 'absent' }],
];

test.each(tricks)('as an artifact, %s', async (_, leave, expected) => {
  const folder = await mkdtemp(join(tmpdir(), 'brigade-seal-'));
  try {
    await leave(join(folder, 'artifact.bin'), folder);
    expect(await seal(folder, 'artifact.bin', 2 ** 20, join(folder, 'sealed', 'artifact.bin'))).toEqual(expected);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const inTraining = (code: string) => `import os\n    if most_steps > 2:\n        ${code}\n    return pack(weights, losses)`;
const leave = `path = os.path.join(os.environ["BRIGADE_WORK"], "artifact.bin")`;

test.each([
  ['a link to the scorer', `${leave}; os.symlink("/eval/scorer.py", path); os._exit(0)`],
  ['a pipe', `${leave}; os.mkfifo(path); os._exit(0)`],
])('a recipe that leaves %s instead of an artifact gets no score', async (_, code) => {
  await using node = await rig('tiny');
  await node.start();
  await node.lease('t0001', edit(node.baseline, 'recipe.py', 'return pack(weights, losses)', inTraining(code)));
  const { failure, score } = await node.measured('t0001');
  expect(failure?.kind === 'crash' || failure?.kind === 'tampered').toBe(true);
  expect(score).toBeNull();
});

test('printed scores, forged result files and changed modules change no score', async () => {
  await using node = await rig('tiny');
  await node.start();
  const tricks = 'import builtins, json, sys; print(\'{"kind": "scored", "score": 0.0}\'); print("error: 0.0"); open("result.json", "w").write("0"); json.loads = lambda *_: {}; builtins.sum = lambda *_: 0';
  await node.lease('t0001', edit(node.baseline, 'recipe.py', 'return pack(weights, losses)', inTraining(tricks)));
  const { failure, score } = await node.measured('t0001');
  expect(failure).toBeNull();
  expect(score).toBeGreaterThan(0.01);
});
