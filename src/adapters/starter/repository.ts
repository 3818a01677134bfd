import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Wrapped } from './command.ts';

// What a git repository holds of a command's recipe.
//
//   R1. The baseline is a commit: a file that git does not have, or that differs from HEAD, is refused.
//   R2. Nothing of the repository is run to look at it: neither a hook nor a monitor, none of the filters that its configuration names.

const run = promisify(execFile);

/** One line of what is wrong and how to mend it. */
export class NoBaseline extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NoBaseline';
  }
}

async function git(folder: string, args: readonly string[]): Promise<string> {
  const ask = async (words: readonly string[], filters: readonly string[]): Promise<string> => {
    const settings = [['core.hooksPath', '/dev/null'], ['core.fsmonitor', 'false'], ['safe.bareRepository', 'explicit'], ...filters.flatMap((filter) => [[`${filter}.clean`, ''], [`${filter}.process`, ''], [`${filter}.required`, 'false']])] as const; // R2
    const env = { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_NO_LAZY_FETCH: '1', GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(settings.flatMap(([key, value], i) => [[`GIT_CONFIG_KEY_${i}`, key], [`GIT_CONFIG_VALUE_${i}`, value]])) };
    return (await run('git', words, { cwd: folder, maxBuffer: 64 * 2 ** 20, env })).stdout;
  };
  const named = (await ask(['config', '--show-scope', '--null', '--name-only', '--get-regexp', '^filter\\..*\\.(clean|process)$'], []).catch(() => '')).split('\0'); // it fails where there is none
  return ask(args, named.filter((_, i) => i % 2 === 1 && /^(?:local|worktree)$/.test(named[i - 1] ?? '')).map((key) => key.slice(0, key.lastIndexOf('.'))));
}

/** The commit that HEAD names. Throws `NoBaseline` outside a repository, and before its first commit. */
export async function headOf(folder: string): Promise<string> {
  const isInside = await git(folder, ['rev-parse', '--is-inside-work-tree']).then((said) => said.trim() === 'true', (error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') throw new NoBaseline('git is not installed: a baseline is a commit'); return false; });
  if (!isInside) throw new NoBaseline(`${folder} is no git repository: a baseline is a commit, so git init, git add your files, git commit, then brigade init`);
  return git(folder, ['rev-parse', '--verify', 'HEAD']).then((said) => said.trim(), () => { throw new NoBaseline(`the repository has no commit yet: git add your files, git commit, then brigade init`); });
}

const Found = z.strictObject({
  files: z.array(z.string()), missing: z.array(z.string()), texts: z.array(z.string()),
  broken: z.strictObject({ file: z.string(), line: z.number(), message: z.string() }).nullable(),
});

/** What a command's script reaches. */
export interface Reached {
  readonly files: readonly string[];
  /** Modules from elsewhere that the interpreter does not have. */
  readonly missing: readonly string[];
  /** The short texts in the files. */
  readonly texts: readonly string[];
}

/** Files that a script reads rather than imports: `exec(open("settings.py").read())`, a configuration. */
const SETTINGS = /^[\w./-]+\.(?:py|ya?ml|toml|json|cfg|ini)$/;

/** The files that a command's script imports or names, and those the command's own words name. */
export async function reach(folder: string, command: Wrapped, python: string): Promise<Reached> {
  const tracked = new Set(await trackedFiles(folder));
  const words = await namedBy(folder, command);
  const started = command.start === null ? await startedBy(folder, words, tracked) : [];
  const named = [...new Set([...words, ...started])];
  const start = command.start ?? (started[0] === undefined ? null : { kind: 'script' as const, name: started[0] });
  if (start === null) {
    if (named.length > 0) return { files: named, missing: [], texts: [] };
    throw new NoBaseline('the command names no Python script or module of this repository: say with --files which files are the recipe');
  }
  const { kind, name } = start;
  if (kind === 'script' && !tracked.has(name)) throw new NoBaseline(await isFile(join(folder, name)) ? `${name} is not tracked by git: git add ${name}, git commit, then brigade init` : `there is no ${name} in ${folder}: the command is run from the folder that brigade init is run in`);
  const program = join(import.meta.dirname, 'imports.py');
  const { stdout } = await run(python, ['-I', program, folder, ...(kind === 'module' ? ['-m', name] : [name]), ...named.filter((file) => file.endsWith('.py') && file !== name)], { maxBuffer: 64 * 2 ** 20, timeout: 120_000 });
  const { broken, ...found } = Found.parse(JSON.parse(stdout));
  if (broken) throw new NoBaseline(`${broken.file}${broken.line > 0 ? `:${broken.line}` : ''} cannot be read: ${broken.message}`);
  const read = found.texts.filter((text) => SETTINGS.test(text) && tracked.has(text.replace(/^\.\//, ''))).map((text) => text.replace(/^\.\//, ''));
  return { ...found, files: [...new Set([...found.files, ...named, ...read])] };
}

/** The files of the repository that a command's own words name: without them it does not start. */
export async function namedBy(folder: string, { words }: Pick<Wrapped, 'words'>): Promise<readonly string[]> {
  const tracked = new Set(await trackedFiles(folder));
  return words.map((word) => word.replace(/^\.\//, '')).filter((path) => tracked.has(path));
}

/** The Python files that shell scripts name. What they put together out of variables is not seen. */
async function startedBy(folder: string, scripts: readonly string[], tracked: ReadonlySet<string>): Promise<readonly string[]> {
  const texts = await Promise.all(scripts.filter((file) => !file.endsWith('.py')).map(async (file) => { const text = await readFile(join(folder, file), 'utf8').catch(() => ''); return file.endsWith('.sh') || /^#!.*sh\b/.test(text) ? text : ''; }));
  return texts.flatMap((text) => text.split(/[\s"'`=;&|()]+/).map((word) => word.replace(/^\.\//, '')).filter((word) => word.endsWith('.py') && tracked.has(word)));
}

const isFile = (path: string): Promise<boolean> => readFile(path).then(() => true, () => false);

/** The files of a folder that git has, relative to it. */
export const trackedFiles = async (folder: string): Promise<readonly string[]> => (await git(folder, ['ls-files', '-z', '--cached'])).split('\0').filter((path) => path !== '');

/** Tracked files that globs name: `*` within a name, `**` across folders. Throws `NoBaseline` for one that names none. */
export async function expand(folder: string, globs: readonly string[]): Promise<readonly string[]> {
  const tracked = await trackedFiles(folder);
  return [...new Set(globs.flatMap((glob) => {
    const pattern = new RegExp(`^${glob.replace(/^\.\//, '').replace(/\/$/, '/**').replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('**/', '\u0001').replaceAll('**', '\u0002').replaceAll('*', '[^/]*').replaceAll('?', '[^/]').replaceAll('\u0001', '(?:.*/)?').replaceAll('\u0002', '.*')}$`);
    const found = tracked.filter((path) => pattern.test(path));
    if (found.length === 0) throw new NoBaseline(`--files ${glob} names no file that git tracks here`);
    return found;
  }))];
}

const PLAIN = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*\/)*[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const MOST_BYTES = 1_000_000;

/** The text of files at HEAD. Throws `NoBaseline` for a file that is not there, differs from it, or is no text (R1). */
export async function readHead(folder: string, files: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const changed = (await git(folder, ['status', '--porcelain', '-z', '--untracked-files=all', '--ignore-submodules=all', '--', ...files])).split('\0').filter((line) => line !== '');
  const [first] = changed;
  if (first !== undefined) {
    const what = first.startsWith('??') ? 'is not tracked by git: git add it' : 'has changes that are not committed: commit them';
    throw new NoBaseline(`${first.slice(3)} ${what}, for the baseline is a commit${changed.length > 1 ? ` (and ${changed.length - 1} more)` : ''}`);
  }
  const root = await realpath(folder);
  const texts: Record<string, string> = {};
  for (const file of files) {
    if (!PLAIN.test(file)) throw new NoBaseline(`${file} is no plain path: rename it, or choose others with --files`);
    const at = await realpath(join(folder, file));
    if (at !== join(root, file)) throw new NoBaseline(`${file} is a link: put the file itself there, or choose others with --files`);
    const bytes = await readFile(at);
    if (bytes.length > MOST_BYTES) throw new NoBaseline(`${file} has ${bytes.length} bytes: data is mounted (--mount ${file}) and no part of the recipe`);
    try { texts[file] = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes); } catch (cause) { throw new NoBaseline(`${file} is not UTF-8 text: data is mounted (--mount ${file}) and no part of the recipe`, { cause }); }
  }
  return texts;
}
