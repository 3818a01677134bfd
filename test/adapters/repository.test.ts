import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { headOf, readHead } from '../../src/adapters/starter/index.ts';
import { openStranger } from '../support/stranger.ts';

test('looking at a repository runs nothing that its configuration names', async () => {
  await using stranger = await openStranger({ 'train.py': 'print("loss 1")\n', 'net.py': 'width = 1\n' });
  const ran = join(stranger.folder, '.git', 'ran');
  const settings = [['core.fsmonitor', `touch ${ran}; false`], ['filter.a=b.clean', `touch ${ran}; cat`], ['filter.c.process', `touch ${ran}`], ['filter.c.required', 'true']] as const;
  for (const [key, value] of settings) execFileSync('git', ['config', key, value], { cwd: stranger.folder });
  await writeFile(join(stranger.folder, '.git/info/attributes'), 'train.py filter=a=b\nnet.py filter=c\n');
  const later = new Date(Date.now() + 60_000);
  for (const file of ['train.py', 'net.py']) await utimes(join(stranger.folder, file), later, later); // so that git looks into them
  expect(await headOf(stranger.folder)).toMatch(/^[0-9a-f]{40}$/);
  expect(await readHead(stranger.folder, ['train.py', 'net.py'])).toEqual({ 'train.py': 'print("loss 1")\n', 'net.py': 'width = 1\n' });
  expect(existsSync(ran)).toBe(false);
});
