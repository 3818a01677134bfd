import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectRoot } from '../../src/adapters/toolchain/index.ts';
import { findPlace } from '../../src/cli/place.ts';

let root: string;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'brigade-stand-')));
  await mkdir(join(root, 'project', 'surfaces', 'mine'), { recursive: true });
  await writeFile(join(root, 'project', 'surfaces', 'mine', 'surface.yaml'), '');
  await mkdir(join(root, 'project', 'deep', 'down'), { recursive: true });
  await mkdir(join(root, 'drawings', 'surfaces', 'spline'), { recursive: true });
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('the project is the nearest folder upwards that holds a surface, and its runs lie in it', () => {
  expect(findPlace({}, join(root, 'project', 'deep', 'down'))).toEqual({ root: join(root, 'project'), runs: join(root, 'project', 'runs') });
  expect(findPlace({ BRIGADE_RUNS: join(root, 'elsewhere') }, join(root, 'project')).runs).toBe(join(root, 'elsewhere'));
});

test('a folder called surfaces without a surface.yaml in it is none of ours: the program works on its own project then', () => {
  expect(findPlace({}, join(root, 'drawings'))).toEqual({ root: projectRoot(), runs: join(projectRoot(), 'runs') });
});
