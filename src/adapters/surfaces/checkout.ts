import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

// git, asked about a checkout that anybody may have made.
//
//   G1. Nothing is run that the checkout names: neither hooks nor a monitor, none of its filters, and nothing of a repository that lies bare in a folder.
//   G2. Who calls us may be a hook of another repository, whose place stands in the environment: it is not passed on, or that repository would be written to.

/** Variables that say which repository is meant, as `git rev-parse --local-env-vars` has them, and what changes the objects it shows. */
const ELSEWHERE = /^GIT_(?:DIR|WORK_TREE|IMPLICIT_WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|SHALLOW_FILE|GRAFT_FILE|REPLACE_REF_BASE|NAMESPACE|CONFIG|CONFIG_PARAMETERS|CONFIG_COUNT|CONFIG_(?:KEY|VALUE)_\d+)$/;

const run = promisify(execFile);

/** The environment of a git that works in a folder of ours, with some settings above all others. */
export function gitEnvironment(settings: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const set = Object.entries({ 'core.hooksPath': '/dev/null', 'core.fsmonitor': 'false', 'safe.bareRepository': 'explicit', ...settings }); // G1
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ELSEWHERE.test(name))), // G2
    GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_NO_REPLACE_OBJECTS: '1', GIT_NO_LAZY_FETCH: '1', GIT_CONFIG_COUNT: String(set.length),
    ...Object.fromEntries(set.flatMap(([key, value], i) => [[`GIT_CONFIG_KEY_${i}`, key], [`GIT_CONFIG_VALUE_${i}`, value]])),
  };
}

/** Runs git in a folder without anything of the folder's that could run, or change what it says (G1). */
export async function git(folder: string, args: readonly string[]): Promise<string> {
  const ask = async (words: readonly string[], settings?: Readonly<Record<string, string>>): Promise<string> => (await run('git', words, { cwd: folder, maxBuffer: 64 * 2 ** 20, env: gitEnvironment(settings) })).stdout;
  const named = (await ask(['config', '--show-scope', '--null', '--name-only', '--get-regexp', '^filter\\..*\\.(clean|smudge|process)$']).catch(() => '')).split('\0'); // it fails where there is none
  const own = named.filter((_, i) => i % 2 === 1 && /^(?:local|worktree)$/.test(named[i - 1] ?? '')).map((key) => key.slice(0, key.lastIndexOf('.')));
  return ask(args, Object.fromEntries(own.flatMap((filter) => [[`${filter}.clean`, ''], [`${filter}.smudge`, ''], [`${filter}.process`, ''], [`${filter}.required`, 'false']])));
}
