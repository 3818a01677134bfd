import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { z } from 'zod';
import type { EvaluatorFile } from './evaluator.ts';

// What an evaluator uses of this machine: an interpreter of its own, and what is mounted.
//
//   M1. A place never depends on who starts the run: no ~, no variables, no PATH of a shell.
//   M2. What is not there is refused where it is named; only what set-up makes in .brigade/ may be awaited.

/** A place on this machine: absolute, or relative to the project. */
export const place = z.string('give a path').min(1, 'give a path').max(4096, 'give a shorter path').regex(/^[^~$\u0000-\u001f]*$/, 'give a path without ~ and without variables, from / or from the project folder');

const PROGRAMS = ['/usr/local/bin', '/usr/bin'];

interface MachineFound { readonly problems: readonly string[]; readonly missing: readonly string[]; readonly python: string | null; readonly mounts: Readonly<Record<string, string>> }

/** Resolves what evaluator.yaml names of this machine. */
export async function findOnMachine({ value, problem }: EvaluatorFile, root: string): Promise<MachineFound> {
  const problems: string[] = [];
  const missing: string[] = [];
  const lacks = (path: string, field: readonly string[], what: string): void => {
    if (relative(join(root, '.brigade'), path).startsWith('..')) problems.push(problem(field, what)); // M2
    else missing.push(field.join('.'));
  };
  let python: string | null = null;
  if (value.python !== undefined) {
    const tried = value.python.includes('/') ? [at(root, value.python)] : PROGRAMS.map((folder) => join(folder, value.python ?? '')); // M1
    python = await firstOf(tried, async (path) => (await stat(path)).isFile() && access(path, constants.X_OK).then(() => true));
    if (python === null) lacks(tried[0] ?? '', ['python'], `${tried.join(' and ')} ${tried.length === 1 ? 'is' : 'are'} no program here: name the interpreter of your environment by its path, such as <environment>/bin/python.`);
  }
  const mounts: Record<string, string> = {};
  for (const [name, given] of Object.entries(value.mounts)) {
    const path = at(root, given);
    if (await firstOf([path], async (one) => stat(one).then(() => true)) === null) lacks(path, ['mounts', name], `${path} is not there: name a file or a folder of this machine.`);
    else mounts[name] = path;
  }
  return { problems, missing, python, mounts };
}

const at = (root: string, path: string): string => (isAbsolute(path) ? path : join(root, path));

async function firstOf(paths: readonly string[], is: (path: string) => Promise<boolean>): Promise<string | null> {
  for (const path of paths) if (await is(path).catch(() => false)) return path;
  return null;
}
