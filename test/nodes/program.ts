import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from './hosts.ts';
import { makeLast, stretched } from './spare.ts';

// The program as it was when the lab was opened, and a project folder on every host.

export interface Program {
  /** The surface and its evaluator as every host gets them. */
  readonly original: string;
  /** The built command line. */
  readonly main: string;
  /** The nats-server that set-up fetched. */
  readonly server: string;
  /** Makes a host's own copy of the surface and its evaluator; answers where it lies. */
  furnish(host: Host): Promise<string>;
}

interface SetUp { readonly steps?: { readonly nats?: { readonly path?: string } } }

/** Copies what was built, so that whoever builds again meanwhile changes nothing here. */
export async function copyProgram(root: string, folder: string, surface: string, evaluator: string, { slow, lingerSeconds }: { readonly slow: number; readonly lingerSeconds: number }): Promise<Program> {
  const program = join(folder, 'program');
  for (const part of ['package.json', 'dist', 'deploy/setup/pins.json']) await cp(join(root, part), join(program, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(program, 'node_modules'));
  await mkdir(join(program, '.brigade'));
  await mkdir(join(program, 'surfaces')); // where it looks for what it comes with
  const original = join(folder, 'original');
  for (const part of [`surfaces/${surface}`, `evaluators/${evaluator}`]) await cp(join(root, part), join(original, part), { recursive: true });
  const described = join(original, 'evaluators', evaluator, 'evaluator.yaml');
  await writeFile(described, stretched(await readFile(described, 'utf8'), { slow, lingerSeconds: surface === 'tiny' ? lingerSeconds : 0, hasSpare: surface === 'tiny' }));
  await makeLast(original, surface, lingerSeconds);
  await mkdir(join(original, '.brigade'));
  await symlink(join(root, '.brigade', 'data'), join(original, '.brigade', 'data'));
  const setUp = JSON.parse(await readFile(join(root, '.brigade', 'setup.json'), 'utf8')) as SetUp & Record<string, unknown>;
  await writeFile(join(program, '.brigade', 'setup.json'), JSON.stringify({ ...setUp, root: program }));
  return {
    original,
    main: join(program, 'dist', 'main.js'),
    server: setUp.steps?.nats?.path ?? 'nats-server',
    async furnish(host) {
      const project = join(host.folder, 'project');
      for (const part of ['surfaces', 'evaluators']) await cp(join(original, part), join(project, part), { recursive: true });
      await mkdir(join(project, '.brigade'), { recursive: true });
      await symlink(join(root, '.brigade', 'data'), join(project, '.brigade', 'data'));
      await mkdir(join(project, 'runs'), { recursive: true });
      return project;
    },
  };
}
