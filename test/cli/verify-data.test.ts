import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { surfacesCommand } from '../../src/cli/surfaces.ts';

const project = join(import.meta.dirname, '..', '..');
let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'brigade-verify-'));
  for (const kind of ['surfaces', 'evaluators']) cpSync(join(project, kind, 'tiny'), join(root, kind, 'tiny'), { recursive: true });
  const file = join(root, 'evaluators/tiny/evaluator.yaml');
  writeFileSync(file, `${readFileSync(file, 'utf8')}folders: [train]\n`);
  const folder = join(root, '.brigade/data/tiny/train');
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}.manifest.json`, JSON.stringify({ files: [{ path: 'one.bin', bytes: 3, sha256: createHash('sha256').update('one').digest('hex'), mtimeMs: 1_700_000_000_000 }] }));
  writeFileSync(join(folder, 'one.bin'), 'two'); // as long, and by its time as old
  utimesSync(join(folder, 'one.bin'), 1_700_000_000, 1_700_000_000);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function check(...flags: readonly string[]): Promise<string> {
  let said = '';
  const program = new Command().exitOverride();
  surfacesCommand(program, { root, runs: join(root, 'runs') }, { write: (text) => { said += text; } });
  await program.parseAsync(['node', 'brigade', 'surfaces', 'check', 'tiny', ...flags]);
  return said;
}

test('data too large to be read at every check are read in full when asked to', async () => {
  expect(await check()).toMatch(/^tiny ✓/);
  await expect(check('--verify')).rejects.toThrow(/evaluators\/tiny\/evaluator\.yaml:\d+:\d+  folders: the prepared train\/one\.bin has another content/);
});
