import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadEvaluator, loadSurface } from '../../src/adapters/surfaces/index.ts';
import { openWorkbench } from '../../src/adapters/workbench/index.ts';

const root = join(import.meta.dirname, '..', '..');

test('what a start left that died is removed by the next, though a container gave both one process number', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'brigade-bench-'));
  const workDir = join(dir, 'work');
  const spec = await loadEvaluator(root, 'tiny', { dataDir: join(root, '.brigade', 'data') });
  const surface = await loadSurface(root, 'tiny');
  const open = () => openWorkbench({
    python: join(root, '.brigade', 'python', 'bin', 'python'), evaluatorDir: join(root, 'evaluators', 'tiny'), dataDir: join(root, '.brigade', 'data', 'tiny'), workDir, canaryDir: join(dir, 'canaries'),
    spec, pinned: spec.pinned, surfaceHash: surface.hash, baseline: surface.recipe, sandbox: 'none',
  });
  await mkdir(join(workDir, `${process.pid}-7-dead`, 'evaluator'), { recursive: true }); // of our number, born long before us
  await mkdir(join(workDir, `${process.pid}-dead`, 'evaluator'), { recursive: true });
  using first = await open();
  using second = await open();
  expect((await readdir(workDir)).map((name) => join(workDir, name, 'evaluator')).sort()).toEqual([first.evaluator, second.evaluator].sort());
  await rm(dir, { recursive: true, force: true });
});
