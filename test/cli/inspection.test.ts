import { Command, CommanderError } from 'commander';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execa } from 'execa';
import { addCommands } from '../../src/cli/commands.ts';
import { bestCommand } from '../../src/cli/best.ts';
import { diffCommand } from '../../src/cli/diff.ts';
import { lineageCommand } from '../../src/cli/lineage.ts';
import { Mistake, nearest } from '../../src/cli/mistake.ts';
import type { OpenRun } from '../../src/cli/opening.ts';
import { findRun, runDir, writeRunFile, type Place } from '../../src/cli/place.ts';
import { reportCommand } from '../../src/cli/report.ts';
import { resultsCommand } from '../../src/cli/results.ts';
import { runsCommand } from '../../src/cli/runs.ts';
import { showCommand } from '../../src/cli/show.ts';
import { statusCommand } from '../../src/cli/status.ts';
import { prove, verifyCommand } from '../../src/cli/verify.ts';
import { watchCommand } from '../../src/cli/watch.ts';
import { defaultColumns } from '../../src/domain/tables.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const made = syntheticRun(40);
let place: Place;
let closed = 0;

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'brigade-cli-'));
  place = { root, runs: join(root, 'runs') };
  await writeRunFile(place, { run: made.run, surface: 'golf-mini', url: null, keys: null });
});
afterAll(() => rm(place.root, { recursive: true, force: true }));

/** Runs one command on the made-up run and answers what it printed. */
async function brigade(...args: string[]): Promise<string> {
  const parts: string[] = [];
  const program = new Command().exitOverride().configureOutput({ writeOut: (text) => parts.push(text), writeErr: () => undefined });
  const open = async (name: string | undefined): Promise<OpenRun> => {
    const { run } = await findRun(place, name);
    return {
      run, dir: runDir(place, run), lineage: made.lineage, facts: made.facts, blobs: made.blobs, bus: null, columns: defaultColumns('val_bpb'), standalone: {},
      async *follow() { /* it has ended: no fact follows */ }, async close() { closed += 1; },
    };
  };
  const here = { open, place, out: { write: (text: string) => parts.push(text) }, width: () => 140, color: false, now: () => made.lineage.newestAt };
  for (const add of [resultsCommand, showCommand, diffCommand, bestCommand, lineageCommand, reportCommand, statusCommand, watchCommand, runsCommand, verifyCommand]) add(program, here);
  await program.parseAsync(args, { from: 'user' }).catch((error: unknown) => { if (!(error instanceof CommanderError) || error.code !== 'commander.helpDisplayed') throw error; });
  return parts.join('');
}

const objects = (text: string): Record<string, unknown>[] => text.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);

describe('brigade results', () => {
  test('the best stands first, and --all lists every trial in order', async () => {
    expect(/^ {2}(t\d{4}) /m.exec(await brigade('results'))?.[1]).toBe(made.lineage.bests.at(-1)?.trial);
    const trials = [...(await brigade('results', made.run, '--all')).matchAll(/^ {2}(t\d{4}) /gm)].map(([, trial]) => trial);
    expect(trials).toEqual([...made.lineage.trials.keys()]);
  });

  test('--json is one object a line and marks the best', async () => {
    const rows = objects(await brigade('results', '--all', '--json'));
    expect(rows).toHaveLength(41);
    expect(rows.filter(({ best }) => best).map(({ trial }) => trial)).toEqual([made.lineage.bests.at(-1)?.trial]);
  });
});

describe('brigade show', () => {
  test('a keep shows its prediction, its measurement with margin and p, and its diff', async () => {
    const text = await brigade('show', 't0001');
    expect(text).toMatch(/^t0001 {2}optimizer {3}keep {3}parent t0000 {3}on atlas\/cpu1, attempt 1 {3}search:exploit\nMuon for matrices, AdamW for the rest\n/);
    expect(text).toMatch(/predicted −0\.\d{4} {3}measured −0\.3042 ± 0\.\d{4} \(p 1e-8, 5 seeds\)/);
    expect(text).toContain('--- a/optimizer.py\n+++ b/optimizer.py\n@@ ');
  });

  test('a number is enough to name a trial', async () => {
    expect(await brigade('show', '1')).toBe(await brigade('show', 't0001'));
  });

  test('a failure shows its evidence, and a repair what it repaired', async () => {
    expect(await brigade('show', 't0002')).toMatch(/because {2}[\d,]+ bytes over the cap of 80,000/);
    const repair = [...made.lineage.trials.values()].find(({ proposal }) => proposal.proposer.strategy.startsWith('repair'));
    expect(await brigade('show', repair?.trial ?? '')).toContain(`knew     ${repair?.proposal.parent} `);
  });

  test('what its author knew and what it printed can be read', async () => {
    expect(await brigade('show', 't0001', '--feedback')).toContain('own recent trials');
    expect(await brigade('show', 't0001', '--log')).toContain('step 100 loss 3.1');
    expect(await brigade('show', 't0001', '--diff')).toMatch(/^--- a\/optimizer\.py\n/);
    for (const [only, says] of [['feedback', 'own recent trials'], ['log', 'step 100 loss 3.1'], ['diff', '--- a/optimizer.py']] as const) {
      expect(objects(await brigade('show', 't0001', `--${only}`, '--json'))).toEqual([{ run: made.run, trial: 't0001', [only]: expect.stringContaining(says) }]);
    }
  });

  test('an unknown trial is a mistake that names the nearest, and the run is closed', async () => {
    const before = closed;
    await expect(brigade('show', 't00001')).rejects.toThrow(/golf-mini-1121a has no trial t00001; the nearest is t000\d/);
    await expect(brigade('show', 't0001', '--run', 'golf-mini-1121b')).rejects.toThrow('did you mean golf-mini-1121a?');
    expect(closed).toBe(before + 1);
  });
});

describe('brigade diff', () => {
  test('against another trial it is the change that patch would make', async () => {
    const head = made.lineage.bests.at(-1)?.trial ?? '';
    const dir = await mkdtemp(join(place.root, 'diff-'));
    for (const [path, content] of Object.entries(made.baseline)) await writeFile(join(dir, path), content);
    await execa('git', ['apply', '-'], { cwd: dir, input: await brigade('diff', head, 't0000') });
    for (const [path, content] of Object.entries(made.recipes.get(head) ?? {})) expect(await readFile(join(dir, path), 'utf8')).toBe(content);
  });

  test('a trial against itself is the same recipe, and a refused one has none', async () => {
    expect(await brigade('diff', 't0001', 't0001')).toBe('t0001 and t0001 are the same recipe\n');
    await expect(brigade('diff', 't0001', 't0004')).rejects.toThrow('t0004 was refused');
  });
});

describe('brigade best and report', () => {
  test('best writes the recipe to a new folder and refuses a full one', async () => {
    const out = join(place.root, 'given');
    expect(await brigade('best', '--out', out)).toMatch(/^t0037 {3}val_bpb 1\.\d{4} {3}.*given\n/);
    expect((await readdir(out)).sort()).toEqual(Object.keys(made.baseline).sort());
    await expect(brigade('best', '--out', out)).rejects.toThrow(Mistake);
  });

  test('report prints where the page lies, and it lies there', async () => {
    const path = (await brigade('report')).trim();
    expect(path).toBe(join(runDir(place, made.run), 'report.html'));
    expect(await readFile(path, 'utf8')).toMatch(/^<!doctype html>/);
  });
});

describe('brigade lineage', () => {
  test('it is a tree whose best is marked', async () => {
    const lines = (await brigade('lineage')).trimEnd().split('\n');
    expect(lines).toHaveLength(41);
    expect(lines[0]).toMatch(/^t0000 baseline 2\.5286/);
    expect(lines[1]).toMatch(/^└─ t0001 optimizer {2}keep 2\.2304/);
    expect(lines[2]).toMatch(/^ {3}├─ t0002 architecture {2}size_blocked/);
    expect(lines.filter((line) => line.includes('← best')).map((line) => /t\d{4}/.exec(line)?.[0])).toEqual(['t0037']);
  });
});

describe('brigade status, watch and runs', () => {
  test('an ended run says how it ended, and no actor of it can be asked', async () => {
    expect(await brigade('status')).toContain('stopped: trial limit of 40 reached');
    await expect(brigade('status', '--why', 'broker')).rejects.toThrow('is not running');
  });

  test('watching an ended run shows its last trials and its ending', async () => {
    const text = await brigade('watch', '--json');
    expect(objects(text).map(({ event }) => event)).toEqual(['view.began', 'view.ended']);
  });

  test('runs lists what was left behind, exports it without its store, and removes it only when told twice', async () => {
    await brigade('report');
    expect(await brigade('runs')).toMatch(/golf-mini-1121a {2}golf-mini {2}stopped {2}1\.\d{4} \(t0037\) {2}−2\d\.\d% {2}37/);
    await writeFile(join(runDir(place, made.run), 'secret.nk'), 'S');
    const file = join(place.root, 'night.tar.gz');
    await brigade('runs', 'export', made.run, file);
    const names = (await execa('tar', ['-tzf', file])).stdout;
    expect(names).toContain(`${made.run}/report.html`);
    expect(names).not.toMatch(/secret|run\.json/);
    await expect(brigade('runs', 'remove', made.run)).rejects.toThrow('say --yes');
    expect(await brigade('runs', 'remove', made.run, '--yes')).toContain('removed');
    expect(await readdir(place.runs)).toEqual([]);
    await writeRunFile(place, { run: made.run, surface: 'golf-mini', url: null, keys: null });
  });
});

describe('brigade verify', () => {
  test('every status of a run that was judged by the rules is proved', async () => {
    const { proofs, unproved, odd } = prove(made.run, made.facts, () => true);
    expect(proofs.filter(({ agrees }) => !agrees)).toEqual([]);
    const said = ['trial.result', 'run.best', 'run.calibrated', 'run.claimed'].map((word) => made.facts.filter((fact) => fact.word === word).length);
    expect(['status', 'best', 'calibration', 'claim'].map((what) => proofs.filter((proof) => proof.what === what).length)).toEqual(said);
    expect(Math.min(...said)).toBeGreaterThan(0);
    expect([unproved, odd]).toEqual([0, 0]);
  });

  test('a stored status that the journal does not support is found', () => {
    const key = 'size_blocked';
    const at = made.facts.findIndex((fact) => fact.word === 'trial.result' && fact.body.status === key);
    const forged = made.facts.map((fact, i) => (i === at && fact.word === 'trial.result' ? { ...fact, body: { ...fact.body, status: 'keep' as const } } : fact));
    const trial = made.facts[at]?.ids[0];
    expect(prove(made.run, forged, () => true).proofs.find(({ id, what }) => id === trial && what === 'status')).toMatchObject({ agrees: false, judged: { status: key } });
  });

  test.each([
    ['claim', 'run.claimed', { bestMean: 1 }], ['best', 'run.best', { score: 1 }], ['calibration', 'run.calibrated', { sd: 1e-9 }],
  ] as const)('a %s that the journal does not support is found', (what, word, change) => {
    const last = made.facts.findLastIndex((fact) => fact.word === word);
    const forged = made.facts.map((fact, i) => (i === last ? { ...fact, body: { ...fact.body, ...change } } as typeof fact : fact));
    expect(prove(made.run, forged, () => true).proofs.filter((proof) => proof.what === what && !proof.agrees)).toMatchObject([{ differs: Object.keys(change) }]);
  });

  test('measurements whose signature does not hold prove nothing', () => {
    const { proofs, superseded } = prove(made.run, made.facts, () => false);
    expect(superseded).toBeGreaterThan(40);
    expect(proofs.filter(({ what }) => what === 'status').every(({ id, agrees }) => id === 't0000' || !agrees)).toBe(true);
  });
});

test('every command has an example, and every one that answers takes --json', async () => {
  const program = new Command();
  addCommands(program, place);
  const all = (command: Command): Command[] => command.commands.flatMap((one) => [one, ...all(one)]);
  const actors = ['broker', 'keeper', 'evaluator', 'specialist', 'composer', 'replayer', 'up']; // they log JSON as it is
  for (const command of all(program)) {
    let help = '';
    command.configureOutput({ writeOut: (text) => { help += text; } }).outputHelp();
    expect(help, command.name()).toMatch(/[Ee]xamples?:\s+(\$ )?brigade /);
    if (command.commands.length === 0 && !actors.includes(command.name())) expect(help, command.name()).toContain('--json');
  }
});

test('the nearest name is one that could have been meant, or none', () => {
  expect([nearest('t0050', ['t0005', 't0051']), nearest('golf-mini-1121', ['golf-mini-1121a', 'tiny-1121a']), nearest('zzzzzzzz', ['golf-mini-1121a'])]).toEqual(['t0051', 'golf-mini-1121a', null]);
});
