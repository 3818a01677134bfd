import { chown, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
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

test('a project above that belongs to somebody else is refused with its folder and the remedy; one’s own, root’s, and that of whoever owns the folder one went into are not', () => {
  const [project, deep] = [join(root, 'project'), join(root, 'project', 'deep', 'down')];
  const ownedBy = (owners: Readonly<Record<string, number>>) => ({ me: 1000, ownerOf: (path: string) => owners[path] ?? 1000 });
  const surfaces = join(project, 'surfaces');
  expect(() => findPlace({}, deep, ownedBy({ [project]: 2000, [surfaces]: 2000 }))).toThrow(`${project} is taken for the project of this folder, and it belongs to another user (number 2000; you are 1000): its code would run as you. If you trust them, cd ${project} first`);
  expect(() => findPlace({}, deep, ownedBy({ [surfaces]: 2000 }))).toThrow(`${surfaces} is taken`);
  expect(() => findPlace({}, project, ownedBy({ [project]: 0, [surfaces]: 2000 }))).toThrow('Work in a folder of your own'); // as in /tmp
  for (const owners of [{}, { [project]: 0, [surfaces]: 0 }, { [project]: 2000, [surfaces]: 2000, [deep]: 2000 }]) expect(findPlace({}, deep, ownedBy(owners)).root).toBe(project);
});

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('not run as root: that owners are read off the disk is not tried, for only root can give a folder away');
test.skipIf(!isRoot)('owners are read off the disk', async () => {
  await mkdir(join(root, 'given', 'surfaces', 'theirs'), { recursive: true });
  await writeFile(join(root, 'given', 'surfaces', 'theirs', 'surface.yaml'), '');
  await mkdir(join(root, 'given', 'mine'));
  await chown(join(root, 'given', 'surfaces'), 54_321, 54_321);
  expect(() => findPlace({}, join(root, 'given', 'mine'))).toThrow('belongs to another user (number 54321; you are 0)');
});
