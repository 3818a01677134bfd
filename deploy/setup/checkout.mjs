// git, asked about a checkout that anybody may have made, by what runs before the program is compiled; src/adapters/surfaces/checkout.ts asks for the rest.
//
//   G1. Nothing is run that the checkout names: neither hooks nor a monitor, none of its filters, and nothing of a repository that lies bare in a folder.
//   G2. Who calls us may be a hook of another repository, whose place stands in the environment: it is not passed on.
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { Refused } from './refused.mjs';

/** Variables that say which repository is meant, and what changes the objects it shows. */
const ELSEWHERE = /^GIT_(?:DIR|WORK_TREE|IMPLICIT_WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|SHALLOW_FILE|GRAFT_FILE|REPLACE_REF_BASE|NAMESPACE|CONFIG|CONFIG_PARAMETERS|CONFIG_COUNT|CONFIG_(?:KEY|VALUE)_\d+)$/;

function ask(folder, words, settings = {}) {
  const set = Object.entries({ 'core.hooksPath': '/dev/null', 'core.fsmonitor': 'false', 'safe.bareRepository': 'explicit', ...settings }); // G1
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ELSEWHERE.test(name))), // G2
    GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_NO_REPLACE_OBJECTS: '1', GIT_NO_LAZY_FETCH: '1', GIT_CONFIG_COUNT: String(set.length),
    ...Object.fromEntries(set.flatMap(([key, value], i) => [[`GIT_CONFIG_KEY_${i}`, key], [`GIT_CONFIG_VALUE_${i}`, value]])),
  };
  return execFileSync('git', words, { cwd: folder, env, encoding: 'utf8', maxBuffer: 64 * 2 ** 20, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs git in a folder with none of the filters that the folder names (G1). */
function git(folder, ...words) {
  let named = [];
  try { named = ask(folder, ['config', '--show-scope', '--null', '--name-only', '--get-regexp', '^filter\\..*\\.(clean|smudge|process)$']).split('\0'); } catch { /* there is none */ }
  const own = named.filter((_, i) => i % 2 === 1 && /^(?:local|worktree)$/.test(named[i - 1])).map((key) => key.slice(0, key.lastIndexOf('.')));
  return ask(folder, words, Object.fromEntries(own.flatMap((filter) => [[`${filter}.clean`, ''], [`${filter}.smudge`, ''], [`${filter}.process`, ''], [`${filter}.required`, 'false']])));
}

/** The commit of a checkout; a refusal where it is none, or where the folder only lies in one. */
export function commitOf(checkout) {
  try {
    if (git(checkout, 'rev-parse', '--show-toplevel').trim() !== realpathSync(checkout)) throw new Refused(`${checkout} lies inside another repository and is no checkout of its own: clone the upstream repository there`);
    return git(checkout, 'rev-parse', '--verify', 'HEAD').trim();
  } catch (error) {
    if (error instanceof Refused) throw error;
    const said = String(error.stderr ?? error.message).split('\n')[0];
    throw new Refused(`${checkout} is no git checkout that can be read (${said}): clone the upstream repository there`);
  }
}

/** Plain files of some folders that git has and that are as git has them, relative to the checkout; a refusal for one that was changed. */
export function trackedFiles(checkout, folders) {
  const [changed] = git(checkout, 'status', '--porcelain', '-z', '--untracked-files=no', '--ignore-submodules=all', '--', ...folders).split('\0');
  if (changed) throw new Refused(`${join(checkout, changed.slice(3))} was changed: put it back as the commit has it (git -C ${checkout} checkout -- ${changed.slice(3)})`);
  return git(checkout, 'ls-files', '--stage', '-z', '--', ...folders).split('\0').flatMap((line) => /^100(?:644|755) \S+ 0\t(.+)$/s.exec(line)?.[1] ?? []);
}
