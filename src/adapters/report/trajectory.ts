import { execa } from 'execa';
import { describeEnding } from '../../domain/evidence.ts';
import { signed } from '../../domain/figures.ts';
import { BASELINE, type BlobHash } from '../../domain/ids.ts';
import { best, statusOf, type Lineage, type TrialRow } from '../../domain/lineage.ts';
import type { Recipe } from '../../domain/recipe.ts';
import { endedRows } from '../../domain/tables.ts';
import { checkedPath } from './files.ts';

// The run as a git repository: a commit a trial, its parent the trial it changed.
//
//   G1. The same lineage makes the same commits: dates, names and order come from the journal.
//   G2. A trial that ended never changes, so a commit is made once and a tag of its own name keeps it.
//   G3. A refused proposal changed nothing: its commit has its parent's files, and its message says why.

/** Brings the bare repository at `folder` up to the lineage; answers how many commits were added. */
export async function writeTrajectory(folder: string, lineage: Lineage, recipeOf: (snapshot: BlobHash) => Promise<Recipe>): Promise<number> {
  await git(folder, ['init', '--quiet', '--bare', '--initial-branch=best', folder]);
  const tags = await git(folder, ['for-each-ref', '--format=%(refname:strip=2)', 'refs/tags']);
  const made = new Set(tags.split('\n').filter(Boolean));
  const marks = new Map<string, number>();
  const stream: string[] = [];
  for (const row of endedRows(lineage)) {
    if (made.has(row.trial)) continue; // G2
    const { parent } = row.proposal;
    const from = row.trial === BASELINE ? null : marks.has(parent) ? `:${marks.get(parent)}` : made.has(parent) ? `refs/tags/${parent}^0` : undefined;
    if (from === undefined) continue; // its parent has not ended: a later call commits both
    marks.set(row.trial, marks.size + 1);
    stream.push(commit(row, marks.size, from, row.snapshot === null ? null : await recipeOf(row.snapshot)));
  }
  const head = best(lineage)?.trial;
  if (head && (marks.has(head) || made.has(head))) stream.push(`reset refs/heads/best\nfrom ${marks.has(head) ? `:${marks.get(head)}` : `refs/tags/${head}^0`}\n\n`);
  if (stream.length > 0) await git(folder, ['fast-import', '--quiet', '--force', '--done'], `${stream.join('')}done\n`);
  return marks.size;
}

function commit(row: TrialRow, mark: number, from: string | null, recipe: Recipe | null): string {
  const { proposal } = row;
  const person = `${proposal.specialist} <${proposal.specialist}@brigade>`;
  const seconds = (at: number): string => `${Math.floor(at / 1000)} +0000`; // G1
  const files = recipe === null ? [] : ['deleteall\n', ...Object.keys(recipe).sort().map((path) => `M 100644 inline ${quoted(checkedPath(path))}\n${counted(recipe[path] ?? '')}`)]; // G3
  return [
    `commit refs/tags/${row.trial}\nmark :${mark}\n`, `author ${person} ${seconds(row.admittedAt)}\n`, `committer brigade <broker@brigade> ${seconds(row.endedAt ?? row.admittedAt)}\n`,
    counted(message(row)), ...(from === null ? [] : [`from ${from}\n`]), ...files, '\n',
  ].join('');
}

function message(row: TrialRow): string {
  const { proposal, result } = row;
  const status = statusOf(row) ?? '';
  const scored = result?.score == null ? '' : ` ${result.score.toFixed(4)}${status === 'baseline' || result.deltaVsBest === null ? '' : ` (${signed(result.deltaVsBest)})`}`;
  const trailers: readonly (readonly [string, string])[] = [
    ['Status', status], ['Specialist', proposal.specialist], ['Predicted', signed(proposal.expectedDelta, 6)], ['Proposer', `${proposal.proposer.kind}:${proposal.proposer.strategy}`],
    ...proposal.proposer.moves.map((move): readonly [string, string] => ['Move', move]), ...proposal.parts.map((part): readonly [string, string] => ['Part', part]), ...(proposal.session === undefined ? [] : [['Session', proposal.session] as const]), ['Snapshot', row.snapshot ?? 'none'],
    ...(proposal.joint === undefined ? [] : [['Draft', proposal.joint.draft] as const, ['Co-authored-by', `${proposal.joint.with} <${proposal.joint.with}@brigade>`] as const]),
  ];
  return `${row.trial} ${status}${scored}: ${proposal.hypothesis}\n\n${describeEnding(row)}\n\n${trailers.map(([name, value]) => `${name}: ${value}`).join('\n')}\n`;
}

/** A byte-counted block of fast-import. */
const counted = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;

const quoted = (path: string): string => `"${path.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"`;

/** Git with no configuration but its own. */
async function git(folder: string, args: readonly string[], input = ''): Promise<string> {
  const { stdout } = await execa('git', args[0] === 'init' ? args : [`--git-dir=${folder}`, ...args], {
    input, env: { GIT_DIR: undefined, GIT_OBJECT_DIRECTORY: undefined, GIT_INDEX_FILE: undefined, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
    maxBuffer: 256 * 1024 * 1024,
  });
  return stdout;
}
