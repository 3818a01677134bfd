import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fact } from '../../domain/fact.ts';
import { BASELINE, type BlobHash } from '../../domain/ids.ts';
import { knowledge } from '../../domain/knowledge.ts';
import { leaderboard } from '../../domain/leaderboard.ts';
import { best, type Lineage, type TrialRow } from '../../domain/lineage.ts';
import type { Recipe } from '../../domain/recipe.ts';
import { sessionObject, type SessionRow } from '../../domain/session.ts';
import { summarize } from '../../domain/summary.ts';
import { endedRows, logsOf, resultsTable, snapshotPath, treeTable, trialObject, trialsJsonLines } from '../../domain/tables.ts';
import type { Blobs } from '../../ports.ts';
import { writeRecipe, writeWhole } from './files.ts';
import { reportPage } from './page.ts';
import { writeTrajectory } from './trajectory.ts';

export { comparisonFigure, comparisonPage } from './comparison-page.ts';
export { diffStat } from './diff-markup.ts';
export { writeRecipe } from './files.ts';

/** A run to leave something behind of. */
export interface ExportSource {
  readonly run: string;
  readonly dir: string;
  readonly lineage: Lineage;
  readonly facts: readonly Fact[];
  readonly blobs: Pick<Blobs, 'get'>;
  readonly columns: readonly string[];
  /** Files of the evaluator that make a recipe run by itself; a recipe's own file of the same name wins. */
  readonly standalone: Recipe;
}

/** What can be written by itself: tables are cheap, the others grow with the run. */
export const PARTS = ['tables', 'best', 'trials', 'trajectory', 'report'] as const;
export type Part = (typeof PARTS)[number];

/** Names that an export leaves in a run's folder; nothing else there is fit to be given away. */
export const LEFT_BEHIND = ['results.tsv', 'trials.jsonl', 'tree.tsv', 'journal.jsonl', 'LEADERBOARD.md', 'KNOWLEDGE.md', 'summary.json', 'report.html', 'best', 'snapshots', 'trials', 'thinking', 'trajectory.git', 'import'] as const;

/** Writes what a run leaves behind into its folder; may be called again and again while it goes on. Trials already written are passed over unless `fresh`. */
export async function exportRun(source: ExportSource, options: { readonly parts?: readonly Part[]; readonly fresh?: boolean } = {}): Promise<{ readonly files: readonly string[] }> {
  const parts = options.parts ?? PARTS;
  await mkdir(source.dir, { recursive: true });
  if (parts.includes('tables')) await writeTables(source);
  if (parts.includes('best') && source.lineage.imported === null) await writeBest(source);
  if (parts.includes('trials')) for (const row of endedRows(source.lineage)) await writeTrial(source, row, options.fresh ?? false);
  if (parts.includes('trials')) for (const row of source.lineage.sessions.rows.values()) await writeSession(source, row, options.fresh ?? false);
  if (parts.includes('trajectory')) await writeTrajectory(join(source.dir, 'trajectory.git'), source.lineage, (hash) => readRecipe(source.blobs, hash));
  if (parts.includes('report')) await writeWhole(join(source.dir, 'report.html'), reportPage(source.run, source.lineage));
  const absent: readonly string[] = [...(source.lineage.imported ? ['best', 'snapshots', 'journal.jsonl'] : ['import']), ...(source.lineage.sessions.rows.size === 0 ? ['thinking'] : [])];
  return { files: LEFT_BEHIND.filter((name) => !absent.includes(name)).map((name) => join(source.dir, name)) };
}

async function writeTables({ run, dir, lineage, columns, facts }: ExportSource): Promise<void> {
  const files: Record<string, string> = {
    'results.tsv': resultsTable(run, lineage, columns), 'tree.tsv': treeTable(lineage), 'trials.jsonl': trialsJsonLines(run, lineage),
    'journal.jsonl': facts.map((fact) => `${JSON.stringify(fact)}\n`).join(''),
    'LEADERBOARD.md': leaderboard(run, lineage), 'KNOWLEDGE.md': knowledge(run, lineage), 'summary.json': `${JSON.stringify(summarize(run, lineage), null, 2)}\n`,
  };
  if (lineage.imported) delete files['journal.jsonl']; // its facts were told from its file and stand in no journal
  for (const [name, content] of Object.entries(files)) await writeWhole(join(dir, name), content);
}

async function writeBest({ dir, lineage, blobs, standalone }: ExportSource): Promise<void> {
  for (const { trial, snapshot } of lineage.bests) {
    const row = lineage.trials.get(trial);
    const path = row && snapshotPath(row);
    if (path && !(await exists(join(dir, path)))) await writeRecipe(join(dir, path), await readRecipe(blobs, snapshot));
  }
  const snapshot = best(lineage)?.snapshot ?? lineage.trials.get(BASELINE)?.snapshot;
  if (snapshot) await writeRecipe(join(dir, 'best'), { ...standalone, ...(await readRecipe(blobs, snapshot)) });
}

async function writeTrial({ run, dir, lineage, blobs }: ExportSource, row: TrialRow, fresh: boolean): Promise<void> {
  const folder = join(dir, 'trials', row.trial);
  const grows = lineage.bests.some(({ trial }) => trial === row.trial); // a best is measured again as the incumbent
  if (!fresh && !grows && (await exists(join(folder, 'result.json')))) return;
  await writeWhole(join(folder, 'patch.diff'), row.proposal.patch);
  const feedback = row.feedback && (await blobs.get(row.feedback));
  if (feedback) await writeWhole(join(folder, 'feedback.md'), feedback);
  const log = await readLogs(blobs, row);
  if (log) await writeWhole(join(folder, 'log.txt'), log);
  await writeWhole(join(folder, 'result.json'), `${JSON.stringify(trialObject(run, lineage, row), null, 2)}\n`); // last: it says the folder is complete
}

/** A session that has ended: what its model was told, what was said, and what it took. */
async function writeSession({ dir, blobs }: ExportSource, row: SessionRow, fresh: boolean): Promise<void> {
  const { session, opened, ended } = row;
  const folder = join(dir, 'thinking', session);
  if (ended === null || (!fresh && (await exists(join(folder, 'session.json'))))) return;
  const [prompt, transcript] = await Promise.all([blobs.get(opened.prompt), ended.transcript === null ? null : blobs.get(ended.transcript)]);
  if (prompt) await writeWhole(join(folder, 'prompt.md'), prompt);
  if (transcript) await writeWhole(join(folder, 'transcript.jsonl'), transcript);
  await writeWhole(join(folder, 'session.json'), `${JSON.stringify(sessionObject(row), null, 2)}\n`); // last, as above
}

/** Everything a trial's replicates printed, each under a line that names it; empty when nothing was kept. */
export async function readLogs(blobs: Pick<Blobs, 'get'>, row: TrialRow): Promise<string> {
  const texts = await Promise.all(logsOf(row).map(async ({ replicate, attempt, node, log }) => {
    const bytes = await blobs.get(log);
    return bytes ? `── ${replicate}, attempt ${attempt} on ${node}\n${new TextDecoder().decode(bytes).trimEnd()}\n` : '';
  }));
  return texts.filter(Boolean).join('\n');
}

/** A snapshot as files; throws when it is not stored, because every admitted trial has one. */
export async function readRecipe(blobs: Pick<Blobs, 'get'>, hash: BlobHash): Promise<Recipe> {
  const bytes = await blobs.get(hash);
  if (!bytes) throw new Error(`snapshot ${hash} is not in this run's blobs: the store was damaged or the run was removed`);
  const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed) || !Object.values(parsed).every((content) => typeof content === 'string')) throw new Error(`blob ${hash} is not a recipe`);
  return parsed as Recipe;
}

const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);
