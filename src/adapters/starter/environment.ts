import { execFile } from 'node:child_process';
import { access, stat } from 'node:fs/promises';
import { constants } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { promisify } from 'node:util';

// Which Python runs the command.
//
//   P1. What the user names wins; then the environment that is active; then the project's own; then what PATH has.
//   P2. An interpreter is tried before it is believed.

const run = promisify(execFile);

/** An interpreter that was tried. */
export interface FoundPython {
  readonly path: string;
  readonly version: string;
  /** How it was found, in words. */
  readonly from: string;
}

export type PythonSearch = { readonly kind: 'found'; readonly python: FoundPython } | { readonly kind: 'none'; readonly tried: readonly string[] };

interface Asked { readonly folder: string; readonly named: string | null; readonly environment: Readonly<Record<string, string | undefined>> }

/** Finds the interpreter of a project. */
export async function findPython({ folder, named, environment }: Asked): Promise<PythonSearch> {
  const places: [path: string, from: string][] = named !== null ? await spelt(folder, named, environment.PATH) : [ // P1
    ...(environment.VIRTUAL_ENV ? [[join(environment.VIRTUAL_ENV, 'bin', 'python'), 'the active virtual environment'] as [string, string]] : []),
    ...(environment.CONDA_PREFIX ? [[join(environment.CONDA_PREFIX, 'bin', 'python'), `the active conda environment ${environment.CONDA_DEFAULT_ENV ?? ''}`.trim()] as [string, string]] : []),
    ...['.venv', 'venv', 'env'].map((name): [string, string] => [join(folder, name, 'bin', 'python'), `${name}/ of this folder`]),
    ...onPath('python3', environment.PATH), ...onPath('python', environment.PATH),
  ];
  for (const [path, from] of places) {
    const tried = await tryOut(path); // P2
    if (tried !== null) return { kind: 'found', python: { ...tried, from } };
  }
  return { kind: 'none', tried: places.map(([path]) => path) };
}

/** A path, a folder of an environment, or a name on PATH. */
async function spelt(folder: string, named: string, path: string | undefined): Promise<[string, string][]> {
  if (!named.includes('/') && !(await stat(join(folder, named)).then((found) => found.isDirectory(), () => false))) return onPath(named, path).map(([at]) => [at, `${named} on PATH`]);
  const at = isAbsolute(named) ? named : resolve(folder, named);
  const isFolder = await stat(at).then((found) => found.isDirectory(), () => false);
  return [[isFolder ? join(at, 'bin', 'python') : at, 'as named']];
}

const onPath = (name: string, path = ''): [string, string][] => path.split(':').filter((folder) => isAbsolute(folder)).map((folder) => [join(folder, name), `${name} on PATH`]);

/** What an interpreter says of itself; null for none that runs, or one too old. A shim names the interpreter that it starts. */
async function tryOut(path: string): Promise<{ readonly path: string; readonly version: string } | null> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(path, ['-I', '-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3]); print(sys.executable)'], { timeout: 20_000 });
    const [version = '', executable = ''] = stdout.trimEnd().split('\n');
    const [, major = '', minor = ''] = /^(\d+)\.(\d+)\.\d+$/.exec(version) ?? [];
    return Number(major) === 3 && Number(minor) >= 8 ? { path: isAbsolute(executable) ? executable : path, version } : null;
  } catch { return null; }
}

/** Whether a program can be started in the sandbox: it stands in the system's own folders, or beside the interpreter. */
export async function isProgram(name: string, python: string): Promise<boolean> {
  for (const folder of [dirname(python), '/usr/bin', '/bin']) if (await access(join(folder, name), constants.X_OK).then(() => true, () => false)) return true;
  return false;
}
