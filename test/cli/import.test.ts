import { Command, CommanderError } from 'commander';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execa } from 'execa';
import { analyzeCommand } from '../../src/cli/analyze.ts';
import { bestCommand } from '../../src/cli/best.ts';
import { controlCommands } from '../../src/cli/control.ts';
import { diffCommand } from '../../src/cli/diff.ts';
import { importCommand } from '../../src/cli/import.ts';
import { lineageCommand } from '../../src/cli/lineage.ts';
import { natsCommand } from '../../src/cli/nats.ts';
import { openRun } from '../../src/cli/open-run.ts';
import { writeRunFile, type Place } from '../../src/cli/place.ts';
import { reportCommand } from '../../src/cli/report.ts';
import { resultsCommand } from '../../src/cli/results.ts';
import { runCommand } from '../../src/cli/run.ts';
import { runsCommand } from '../../src/cli/runs.ts';
import { showCommand } from '../../src/cli/show.ts';
import { statusCommand } from '../../src/cli/status.ts';
import { verifyCommand } from '../../src/cli/verify.ts';
import { defaultColumns, resultsTable, treeTable } from '../../src/domain/tables.ts';
import { watchCommand } from '../../src/cli/watch.ts';
import { DAMAGED, tsv, WHOLE } from '../support/made-trace.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

let place: Place;
let traces: string;

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'brigade-import-'));
  place = { root, runs: join(root, 'runs') };
  traces = join(root, 'traces');
  const own = syntheticRun(40);
  for (const [name, results, tree] of [['whole', tsv(WHOLE), null], ['damaged', tsv(DAMAGED), null], ['ours', resultsTable(own.run, own.lineage, defaultColumns('val_bpb')), treeTable(own.lineage)]] as const) {
    await mkdir(join(traces, name, 'blackboard'), { recursive: true });
    await writeFile(join(traces, name, 'blackboard', 'results.tsv'), results);
    if (tree !== null) await writeFile(join(traces, name, 'blackboard', 'tree.tsv'), tree);
    await brigade('import', join(traces, name));
  }
});
afterAll(() => rm(place.root, { recursive: true, force: true }));

/** Runs one command as a person would, opening runs as the program does, and answers what it printed. */
async function brigade(...args: string[]): Promise<string> {
  const parts: string[] = [];
  const out = { write: (text: string) => parts.push(text) };
  const program = new Command().exitOverride().configureOutput({ writeOut: (text) => parts.push(text), writeErr: () => undefined });
  const here = { place, out, open: (run: string | undefined) => openRun(place, run), width: () => 140, color: false, now: () => 0 };
  for (const add of [importCommand, analyzeCommand, resultsCommand, showCommand, diffCommand, bestCommand, lineageCommand, reportCommand, statusCommand, runsCommand, verifyCommand, runCommand, watchCommand]) add(program, here);
  controlCommands(program, place, out);
  natsCommand(program, place, out);
  await program.parseAsync(args, { from: 'user' }).catch((error: unknown) => { if (!(error instanceof CommanderError) || error.code !== 'commander.helpDisplayed') throw error; });
  return parts.join('');
}

const objects = (text: string): Record<string, unknown>[] => text.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);

describe('brigade import', () => {
  test('a second import of the same file changes nothing, and other contents under its name are refused', async () => {
    const before = await readdir(join(place.runs, 'whole'), { recursive: true });
    expect(await brigade('import', join(traces, 'whole'))).toMatch(/^whole {3}was imported before, unchanged {3}8 rows: the baseline and 7 trials\n/);
    expect(await readdir(join(place.runs, 'whole'), { recursive: true })).toEqual(before);
    await expect(brigade('import', join(traces, 'damaged'), '--name', 'whole')).rejects.toThrow(/whole was imported from .*whole.* with other contents or flags: give another --name, or remove it first/);
    await expect(brigade('import', join(traces, 'whole'), '--direction', 'maximize')).rejects.toThrow('with other contents or flags');
    expect(await brigade('best', 'whole')).toContain('t0003   val_bpb 1.0980');
    expect(await brigade('results', 'whole')).not.toContain('final claim'); // nobody will make one of a run that was measured elsewhere
  });

  test('it tells the metric and its grounds, every damaged row with its line and reason, and every damaged cell', async () => {
    const said = await brigade('import', join(traces, 'damaged'));
    expect(said).toContain('\nmetric val_bpb (7 of 8 changes are its differences), minimized (3 of 3 keeps fell)\n15 rows damaged: kept as written, without an ending\n  results.tsv:6   t0004   7 cells of 18; tool markup leaked into hypothesis\n');
    expect(said).toContain('\n  results.tsv:13   no id   exp_id 3 was used on line 5; its place is unknown\n');
    expect(said).toContain('\n2 cells damaged in rows that stand\n  results.tsv:10   t0008   expected_delta: "minus_0.001" is no number\n');
    const [json] = objects(await brigade('import', join(traces, 'damaged'), '--json'));
    expect(json).toMatchObject({ run: 'damaged', isNew: false, rows: 23, summary: { trials: 22, damaged: 15, best: { trial: 't0021' } } });
    expect((json?.damagedRows as { line: number; raw: string }[])[0]).toMatchObject({ line: 6, raw: DAMAGED[4] });
  });

  test('a file is taken as well as a folder, under a name that is given, and a flag overrides what the rows show', async () => {
    const file = join(traces, 'whole', 'blackboard', 'results.tsv');
    expect(await brigade('import', file, '--name', 'upside-down', '--metric', 'train_s', '--direction', 'maximize')).toContain('metric train_s (as asked), maximized (as asked)');
    expect(await brigade('lineage', 'upside-down')).toContain('t0000 baseline');
    await expect(brigade('import', file, file, '--name', 'two')).rejects.toThrow('--name names one run');
    await expect(brigade('import', traces)).rejects.toThrow(/traces has no results\.tsv, and 3 of its folders have: give them one by one, .*damaged first/);
    await expect(brigade('import', file, '--direction', 'up')).rejects.toThrow('--direction up must be minimize or maximize');
    await expect(brigade('import', file, '--name', 'a name')).rejects.toThrow('--name a name must be 1 to 64 letters');
  });

  test('what cannot be read leaves nothing behind, and a run of our own is not taken over', async () => {
    const file = join(traces, 'other.tsv');
    await writeFile(file, 'a\tb\n1\t2\n');
    await expect(brigade('import', file, '--name', 'other')).rejects.toThrow(/other\.tsv:1 has no column exp_id/);
    expect(await readdir(place.runs)).not.toContain('other');
    await writeRunFile(place, { run: 'own-night', surface: 'golf-mini', url: null, keys: null });
    await expect(brigade('import', join(traces, 'whole'), '--name', 'own-night')).rejects.toThrow('there is a run own-night of our own');
    await rm(join(place.runs, 'own-night'), { recursive: true });
  });

  test('our own results.tsv is imported without a damaged row', async () => {
    expect(objects(await brigade('import', join(traces, 'ours'), '--json'))[0]).toMatchObject({ damagedRows: [], damagedCells: [], tree: { differing: [], reworded: 0 } });
  });
});

describe('an imported run', () => {
  test('results, lineage, show and status show it as any run, a damaged row by that name', async () => {
    expect((await brigade('results', 'whole')).split('\n').filter((line) => /^ {2}t\d/.test(line)).map((line) => line.trim().slice(0, 5))).toEqual(['t0003', 't0002', 't0000', 't0007', 't0001']);
    expect(objects(await brigade('results', 'whole', '--all', '--json')).map(({ trial, status }) => `${String(trial)} ${String(status)}`)).toContain('t0004 eval_budget_overrun');
    expect(await brigade('lineage', 'damaged')).toMatch(/└─ t0003 arch {2}keep 1\.0980[^]*├─ t0004 opt {2}damaged[^]*│ {2}└─ t0005 data {2}discard 1\.0990/);
    expect(await brigade('show', '7', '--run', 'whole')).toMatch(/^t0007 {2}data {3}discard {3}parent t0006 {3}replay:imported\nidea 007 of data\npredicted −0\.0000 {3}measured 0\.0000 {3}val_bpb 1\.0980 {3}total_s 600\n|^t0007/);
    expect(await brigade('show', '4', '--run', 'damaged')).toContain('damaged row, line 6: 7 cells of 18; tool markup leaked into hypothesis');
    expect(await brigade('show', '8', '--run', 'damaged')).toContain('predicted unknown');
    await expect(brigade('show', '7', '--run', 'whole', '--feedback')).rejects.toThrow(/^whole was imported from .*, and a results\.tsv does not hold what its authors had read: brigade show t0007 --run whole has all that it says$/);
    expect(await brigade('status', 'damaged')).toMatch(/stopped: imported from .*results\.tsv: read-only {3}3 keeps, 4 discards, 0 failures of 22 trials, 15 rows damaged/);
  });

  test('it is listed as imported, and can be exported and removed', async () => {
    expect(objects(await brigade('runs', '--json')).map(({ run, state }) => `${String(run)} ${String(state)}`)).toEqual(expect.arrayContaining(['whole imported', 'damaged imported', 'ours imported']));
    await brigade('import', join(traces, 'whole'), '--name', 'short-lived');
    await brigade('runs', 'export', 'short-lived', join(place.root, 'given.tar.gz'));
    expect((await execa('tar', ['-tzf', join(place.root, 'given.tar.gz')])).stdout).toContain('short-lived/import/results.tsv');
    await brigade('runs', 'remove', 'short-lived', '--yes');
    expect(await readdir(place.runs)).not.toContain('short-lived');
  });

  test('its report has its tree, its damage and its tables, names no slots, no people and no diffs, and its trajectory a commit a trial', async () => {
    const { report } = objects(await brigade('report', 'damaged', '--json'))[0] ?? {};
    const page = await readFile(String(report), 'utf8');
    for (const text of ['as the file states them; nothing was measured here', 'results.tsv:6   t0004   7 cells of 18; tool markup leaked into hypothesis', 'In the tables of brigade analyze', 'cross-role parents', 'not recorded']) expect(page).toContain(text);
    for (const text of ['Slots over time', 'nobody intervened', '</hypothesis>', 'NaN', 'no change of code', 'and its diff.']) expect(page).not.toContain(text);
    const failures = await readFile(String(objects(await brigade('report', 'whole', '--json'))[0]?.report), 'utf8');
    expect(failures).toMatch(/<th>label<\/th>.*eval_budget_overrun/s);
    expect(failures).not.toContain('nearest to passing'); // a table does not say how a trial failed
    const names = await readdir(join(place.runs, 'damaged'));
    expect(names).toEqual(expect.arrayContaining(['results.tsv', 'tree.tsv', 'trials.jsonl', 'LEADERBOARD.md', 'KNOWLEDGE.md', 'summary.json', 'trials', 'trajectory.git', 'import']));
    expect(names).not.toContain('best');
    expect(names).not.toContain('journal.jsonl'); // nothing that was only told may pass for a journal
    const { stdout } = await execa('git', [`--git-dir=${join(place.runs, 'damaged', 'trajectory.git')}`, 'log', '--format=%s', 'best']);
    expect(stdout.split('\n')).toHaveLength(4); // t0021, t0003, t0002, t0000
  });

  test('verify proves what the table proves, says what it cannot, and finds a copy that was changed', async () => {
    expect(await brigade('verify', 'whole')).toMatch(/^holds {3}imported from .*, unchanged since\nproved {3}4 changes, 2 keeps and 2 discards against the scores beside them, 0 wrong, 0 that cannot be compared\nset aside {3}0 damaged rows, 0 damaged cells\nbeyond proof {3}the scores, which nobody measured here; /);
    expect(await brigade('verify', 'ours')).toMatch(/^holds /);
    await brigade('import', join(traces, 'whole'), '--name', 'changed');
    const kept = join(place.runs, 'changed', 'import', 'results.tsv');
    await writeFile(kept, (await readFile(kept, 'utf8')).replace('1.098000\t-0.001000', '1.097000\t-0.001000'));
    const said = await brigade('verify', 'changed');
    expect([process.exitCode, said]).toEqual([2, expect.stringMatching(/^change t0003 {3}says −0\.001000, and 1\.097000 against 1\.099000 of t0002 is −0\.002000\n[^]*does not hold {3}imported from .*, and the copy here has changed since/)]);
    process.exitCode = 0;
    await rm(join(place.runs, 'changed'), { recursive: true });
  });

  test('it cannot be run on, steered, stopped, watched, or asked for a recipe', async () => {
    const readOnly = /whole was imported from .* and is read-only/;
    await expect(brigade('run', '--resume', 'whole')).rejects.toThrow(readOnly);
    for (const verb of ['pause', 'resume', 'stop']) await expect(brigade(verb, 'whole')).rejects.toThrow(readOnly);
    await expect(brigade('limit', 'whole', '--trials', '9')).rejects.toThrow(readOnly);
    await expect(brigade('note', 'whole', '-m', 'hello')).rejects.toThrow(readOnly);
    await expect(brigade('watch', 'whole')).rejects.toThrow(readOnly);
    await expect(brigade('nats', 'context', 'whole')).rejects.toThrow(readOnly);
    await expect(brigade('diff', '3', '--run', 'whole')).rejects.toThrow('a results.tsv holds no recipes');
    await expect(brigade('best', 'whole', '--out', join(place.root, 'out'))).rejects.toThrow('a results.tsv holds no recipe');
    expect(await brigade('best', 'whole')).toContain('its recipe is not part of what was imported');
  });
});

describe('brigade analyze', () => {
  test('several runs stand side by side, and each has its outcomes by specialist and its compute by label', async () => {
    const said = await brigade('analyze', 'whole', 'damaged');
    expect(said).toMatch(/^ {35}whole {2,}damaged\n/);
    expect(said).toMatch(/\n {2}trials {2,}7 {2,}22\n/);
    expect(said).toMatch(/\n {2}keep {2,}2 of 7 \(28\.6%\) {2,}3 of 22 \(13\.6%\)\n/);
    expect(said).toMatch(/\n {2}cross-role parents {2,}3 of 5 \(60\.0%\)/);
    expect(said).toMatch(/\n {2}operator interventions {2,}not recorded {2,}not recorded\n/);
    expect(said).toMatch(/\nwhole {3}outcomes by specialist\n {2}specialist {2}trials {2}keep {2}discard {2}crash {2}size_blocked {2}eval_budget_overrun\n {2}arch {2,}3 {2,}1 {2,}1 {2,}0 {2,}1 {2,}0\n/);
    expect(said).toMatch(/\nwhole {3}compute by label\n {2}label {2,}trials {2}slot-hours {2}of all\n {2}keep {2,}2 {2,}0\.33 {3}28\.6%\n/);
  });

  test('--json is one object a run with every table in it', async () => {
    const [whole, ours] = objects(await brigade('analyze', 'whole', 'ours', '--json'));
    expect(whole).toMatchObject({ run: 'whole', metric: 'val_bpb', outcomes: { trials: 7, evalOverruns: 1 }, edges: { parents: { all: 5, cross: 3 }, heads: 3 }, effort: { slotSeconds: 4200, width: 3 }, interventions: null });
    expect(Object.keys(ours ?? {})).toEqual(['run', 'metric', 'direction', 'outcomes', 'roles', 'diversity', 'edges', 'effort', 'refused', 'waiting', 'interventions']);
  });
});
