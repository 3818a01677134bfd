import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diffStat, exportRun, readLogs, type ExportSource } from '../../src/adapters/report/index.ts';
import { checkedPath, writeRecipe } from '../../src/adapters/report/files.ts';
import { reportPage } from '../../src/adapters/report/page.ts';
import { linear } from '../../src/adapters/report/scale.ts';
import { BASELINE } from '../../src/domain/ids.ts';
import { emptyLineage, grow } from '../../src/domain/lineage.ts';
import { summarize } from '../../src/domain/summary.ts';
import { decimal } from '../../src/domain/figures.ts';
import { defaultColumns, endedRows } from '../../src/domain/tables.ts';
import { syntheticRun, type SyntheticRun } from '../support/synthetic-run.ts';

const NASTY = '</script><img src=x onerror=alert(1)> "quoted" & \t tabbed';

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'brigade-report-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

const sourceOf = (made: SyntheticRun, dir: string): ExportSource => ({ ...made, dir: join(folder, dir), columns: defaultColumns('val_bpb'), standalone: { 'run.py': 'print("a run")\n' } });
const git = async (dir: string, ...args: string[]): Promise<string> => (await execa('git', [`--git-dir=${dir}`, ...args])).stdout;

/** What git calls a file of this content. */
const gitHash = (content: string): string => createHash('sha1').update(`blob ${Buffer.byteLength(content)}\0${content}`).digest('hex');

describe('report.html', () => {
  const { run, lineage } = syntheticRun(40, ['Muon', NASTY]);
  const page = reportPage(run, lineage);

  test('it asks nothing of any network and runs nothing', () => {
    expect(reportPage(run, syntheticRun(40).lineage)).not.toMatch(/https?:|\/\/\w|src=|href=|<script|<link|@import|url\(/i);
    expect(page).toContain("default-src 'none'");
  });

  test('what a proposal says is text, wherever it appears', () => {
    expect(page).not.toContain('<img');
    expect(page).not.toContain('</script>');
    expect(page.split('&#60;/script&#62;&#60;img').length).toBeGreaterThan(3);
  });

  test('what a recipe prints as an exception is text', () => {
    const made = syntheticRun(12);
    const row = made.lineage.trials.get('t0006');
    if (row?.result) row.result = { ...row.result, failure: { kind: 'crash', phase: 'train', exception: '<b onload=x>', frame: '"><svg>' } };
    expect(reportPage(made.run, made.lineage)).not.toMatch(/<b onload|"><svg>/);
  });

  test('every trial has its dot or its mark, its line in the tree and its diff', () => {
    for (const row of endedRows(lineage)) {
      if (row.trial === BASELINE) continue;
      expect(page.split(`<title>${row.trial} `).length - 1).toBeGreaterThanOrEqual(2);
      expect(page).toContain(`id="${row.trial}"`);
    }
    expect(page.split('class="hunk"').length - 1).toBeGreaterThanOrEqual(40);
  });

  test('its elements close in the order they open', () => {
    const open: string[] = [];
    for (const [, slash, name = '', rest = ''] of page.replace(/<style>[^]*?<\/style>/, '').replace('<!doctype html>', '').matchAll(/<(\/?)([a-z0-9]+)((?:"[^"]*"|[^">])*)>/gi)) {
      if (rest.endsWith('/') || ['meta', 'br'].includes(name)) continue;
      if (slash === '') open.push(name); else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  });

  test('its headline is the final claim with its interval', () => {
    expect(page).toMatch(/<h1>val_bpb went from 2\.\d{4} to <strong>1\.\d{4}<\/strong> \(<strong>−\d+\.\d%<\/strong>\) in \d+ trials and [^:]+: a change of −0\.\d{4}, 95% interval −0\.\d{4} … −0\.\d{4}, on 5 fresh seeds each\.<\/h1>/);
  });

  test('the baseline beside a confirmed best is the one measured on the same data, in the facts and as the band', () => {
    const { baseline } = summarize(run, lineage);
    const beside = `${decimal(baseline.beside?.score ?? NaN)}`;
    expect(beside).not.toBe(decimal(baseline.score ?? NaN));
    expect(page).toContain(`<dt>baseline</dt><dd>${beside}<small>`);
    expect(page).toContain(`>baseline ${beside} ± `);
  });

  test('the first figure names its axes, and a legend every mark it uses', () => {
    const far = syntheticRun(40);
    const row = endedRows(far.lineage).find(({ result }) => result?.why === 'screened');
    if (row?.result) row.result = { ...row.result, score: 9 };
    const page = reportPage(run, far.lineage);
    const figure = page.slice(page.indexOf('aria-label="Best val_bpb so far over trials"'), page.indexOf('aria-label="Best so far over slot time"'));
    const legend = page.slice(page.indexOf('<ul class="legend">'), page.indexOf('<svg'));
    expect(figure).toMatch(/class="axis"[^>]*>val_bpb<[^]*class="axis"[^>]*>trial</);
    const marks = { kept: /class="hue-\d kept"><circle/, 'not kept': /class="hue-\d dropped"><circle/, 'beyond the scale': /class="hue-\d dropped"><path/, 'failed, by its label on the rim': /class="hue-\d failed"><path/ };
    for (const [name, mark] of Object.entries(marks)) { expect(figure, name).toMatch(mark); expect(legend).toContain(name); }
  });

  test('the same lineage makes the same page', () => {
    expect(reportPage(run, syntheticRun(40, ['Muon', NASTY]).lineage)).toBe(page);
  });

  test('every moment of a run has a page, the empty one too', () => {
    const made = syntheticRun(14);
    const growing = emptyLineage();
    expect(reportPage(made.run, growing)).toContain('The baseline has no score yet.');
    for (const fact of made.facts) {
      grow(growing, fact, made.run, () => true);
      expect(reportPage(made.run, growing)).not.toMatch(/NaN|Infinity|undefined|\[object/);
    }
  });

  test('a run that is to be maximised says so', () => {
    const made = syntheticRun(6);
    const [first, ...rest] = made.facts;
    const growing = emptyLineage();
    if (first?.word === 'run.started') grow(growing, { ...first, body: { ...first.body, objective: { ...first.body.objective, direction: 'maximize' } } }, made.run, () => true);
    for (const fact of rest) grow(growing, fact, made.run, () => true);
    expect(reportPage(made.run, growing)).toContain('higher is better');
  });
});

describe('a run’s folder', () => {
  const made = syntheticRun(40, ['Muon', NASTY]);

  test('everything a run leaves behind is there, and no half-written file', async () => {
    const source = sourceOf(made, 'whole');
    await exportRun(source);
    expect((await readdir(source.dir)).sort()).toEqual(['KNOWLEDGE.md', 'LEADERBOARD.md', 'best', 'journal.jsonl', 'report.html', 'results.tsv', 'snapshots', 'summary.json', 'trajectory.git', 'tree.tsv', 'trials', 'trials.jsonl']);
    expect(await readdir(join(source.dir, 'trials'))).toHaveLength(41);
    expect((await readdir(join(source.dir, 'trials', 't0001'))).sort()).toEqual(['feedback.md', 'log.txt', 'patch.diff', 'result.json']);
  });

  test('best/ is the best recipe with what makes it run', async () => {
    const source = sourceOf(made, 'best-only');
    await exportRun(source, { parts: ['best'] });
    const head = made.lineage.bests.at(-1)?.trial ?? '';
    expect((await readdir(join(source.dir, 'best'))).sort()).toEqual([...Object.keys(made.baseline), 'run.py'].sort());
    expect(await readFile(join(source.dir, 'best', 'kernel.py'), 'utf8')).toBe(made.recipes.get(head)?.['kernel.py']);
    expect(await readdir(join(source.dir, 'snapshots'))).toHaveLength(made.lineage.bests.length);
  });

  test('a second export changes nothing that is complete', async () => {
    const source = sourceOf(made, 'twice');
    await exportRun(source);
    const before = await stat(join(source.dir, 'results.tsv'));
    const commits = await git(join(source.dir, 'trajectory.git'), 'for-each-ref');
    await exportRun(source);
    expect((await stat(join(source.dir, 'results.tsv'))).ino).toBe(before.ino);
    expect(await git(join(source.dir, 'trajectory.git'), 'for-each-ref')).toBe(commits);
  });

  test('the facts it exports fold to the same lineage again', async () => {
    const source = sourceOf(made, 'facts');
    await exportRun(source, { parts: ['tables'] });
    const again = emptyLineage();
    for (const line of (await readFile(join(source.dir, 'journal.jsonl'), 'utf8')).trimEnd().split('\n')) grow(again, JSON.parse(line), made.run, () => true);
    expect(again).toEqual(made.lineage);
  });

  test('a log names the replicate, the attempt and the node it is of', async () => {
    const row = made.lineage.trials.get('t0001');
    expect(row && (await readLogs(made.blobs, row))).toMatch(/^── s1, attempt 1 on atlas\nstep 100 loss 3\.1\n/);
  });

  test('a recipe cannot be written outside its folder', async () => {
    for (const path of ['../x', '/x', 'a/../../x', 'a//b', '.git/config', 'a/.GIT/x', 'a\\b', '']) expect(() => checkedPath(path)).toThrow('does not stay inside');
    await expect(writeRecipe(join(folder, 'escape'), { '../escaped.py': '' })).rejects.toThrow('does not stay inside');
    expect(await readdir(folder)).not.toContain('escaped.py');
    expect((await readdir(folder)).filter((name) => name.includes('draft'))).toEqual([]);
  });
});

describe('the trajectory', () => {
  const made = syntheticRun(30, ['Muon', NASTY]);

  test('every trial is a commit whose parent is the trial it changed, with that trial’s recipe', async () => {
    const source = sourceOf(made, 'git');
    await exportRun(source, { parts: ['trajectory'] });
    const dir = join(source.dir, 'trajectory.git');
    const commits = new Map((await git(dir, 'for-each-ref', '--format=%(refname:strip=2) %(objectname) %(tree) %(parent)', 'refs/tags')).split('\n')
      .map((line) => line.trim().split(' ')).map(([tag = '', commit = '', tree = '', ...parents]) => [tag, { commit, tree, parents }]));
    expect([...commits.keys()].sort()).toEqual(endedRows(made.lineage).map(({ trial }) => trial));
    for (const { trial, proposal, rejection } of endedRows(made.lineage)) {
      const parent = commits.get(proposal.parent);
      expect(commits.get(trial)?.parents).toEqual(trial === BASELINE ? [] : [parent?.commit]);
      if (rejection) expect(commits.get(trial)?.tree).toBe(parent?.tree);
      else expect(await git(dir, 'ls-tree', '-r', trial)).toBe(Object.entries(made.recipes.get(trial) ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, content]) => `100644 blob ${gitHash(content)}\t${path}`).join('\n'));
    }
    expect(await git(dir, 'rev-parse', 'best')).toBe(commits.get(made.lineage.bests.at(-1)?.trial ?? '')?.commit);
    expect(await git(dir, 'fsck', '--strict')).toBe('');
  });

  test('written bit by bit while the run goes on, it is the same as written once', async () => {
    const growing = emptyLineage();
    const source: ExportSource = { ...sourceOf(made, 'git-growing'), lineage: growing };
    for (const fact of made.facts) {
      grow(growing, fact, made.run, () => true);
      if (fact.word === 'trial.result' && Number(fact.ids[0].slice(1)) % 5 === 0) await exportRun(source, { parts: ['trajectory'] });
    }
    await exportRun(source, { parts: ['trajectory'] });
    const whole = sourceOf(made, 'git-whole');
    await exportRun(whole, { parts: ['trajectory'] });
    expect(await git(join(source.dir, 'trajectory.git'), 'for-each-ref')).toBe(await git(join(whole.dir, 'trajectory.git'), 'for-each-ref'));
  });
});

describe('small parts of a figure', () => {
  test('ticks are round, inside the range, and no two are the same', () => {
    for (const [low, high] of [[0, 40], [1.9, 2.54], [-0.32, 0.03], [0.9598, 0.9612], [5, 5]] as const) {
      const { ticks, digits } = linear([low, high], [0, 100]);
      expect(ticks.every((tick) => tick >= low - 1e-9 && tick <= Math.max(high, low + 1) + 1e-9)).toBe(true);
      expect(new Set(ticks.map((tick) => tick.toFixed(digits))).size).toBe(ticks.length);
    }
  });

  test('a line that looks like a file’s head inside a hunk is counted as a change', () => {
    expect(diffStat('--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n--- old\n+++ new\n same\n')).toBe('x.py +1 −1');
    expect(diffStat('--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+a\n+b\n')).toBe('new.py +2 −0');
  });
});
