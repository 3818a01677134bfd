import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const script = join(import.meta.dirname, '..', '..', 'deploy', 'scripts', 'machine.sh');
const run = promisify(execFile);

test('whoever stops a daemon that holds something is told what it waits for, and one that does not go at all is killed when it need not wait', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'brigade-machine-'));
  await writeFile(join(dir, 'stubborn.sh'), 'trap "" TERM\nwhile :; do sleep 0.1; done\n');
  const machine = (...args: string[]) => run('bash', [script, ...args], { cwd: dir, env: { ...process.env, BRIGADE: `bash ${join(dir, 'stubborn.sh')}`, BRIGADE_NODE: 'atlas', PATIENCE: '1' }, timeout: 60_000 });
  await machine('start', 'node');
  const waiting = machine('stop', 'node');
  const heard = await new Promise<string>((resolve) => { waiting.child.stdout?.once('data', (text: string) => resolve(text)); });
  expect(heard).toMatch(/^node +finishes what it holds: process \d+, log \.brigade\/machine\/node\.log; stop --now node does not wait for that\n$/);
  expect((await machine('stop', 'node', '--now')).stdout).toMatch(/^node +does not go, and is killed: nothing recorded is lost\n(node .*\n)*node +stopped\n$/);
  expect((await waiting).stdout).toMatch(/node +stopped\n$/);
  await rm(dir, { recursive: true, force: true });
});
