import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findTrace, foldFiles } from '../../src/adapters/traces/index.ts';
import { compareCommand } from '../../src/cli/compare.ts';
import { armName } from '../../src/domain/analysis/arms.ts';
import { compare, type Comparison } from '../../src/domain/analysis/comparison.ts';
import { courseOf, cutAt } from '../../src/domain/analysis/course.ts';
import { estimate } from '../../src/domain/analysis/estimate.ts';
import type { Fact, RunStarted } from '../../src/domain/fact.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import { bestSoFar } from '../../src/domain/summary.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

/** A made-up run of so many proposals, started otherwise. Whatever its length, it goes the same way as far as it goes. */
function made(count: number, started: Partial<RunStarted> = {}, more: readonly Fact[] = []): Lineage {
  const lineage = emptyLineage();
  const { run, facts } = syntheticRun(count);
  for (const fact of [...facts, ...more]) grow(lineage, fact.word === 'run.started' ? { ...fact, body: { ...fact.body, ...started } } : fact, run, () => true);
  return lineage;
}

const SINGLE = { kind: 'single', agents: 1, ownership: 'advisory', lineage: true } as const;
const runs: Record<string, Lineage> = {
  'team-1': made(24, { seed: 1 }), 'team-2': made(40, { seed: 2 }), 'alone-1': made(32, { seed: 1, arm: SINGLE }), 'alone-2': made(24, { seed: 2, arm: SINGLE }),
  'other-surface': made(24, { surface: 'nanochat-mini' }), 'other-cap': made(24, { evaluatorHash: 'f'.repeat(64) }), 'other-way': made(24, { objective: { metric: 'val_bpb', unit: 'bpb', direction: 'maximize', range: [0, 16] } }),
};
let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'brigade-compare-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

async function brigade(...args: string[]): Promise<string> {
  const parts: string[] = [];
  const program = new Command().exitOverride();
  compareCommand(program, {
    place: { root: folder, runs: folder }, out: { write: (text) => parts.push(text) }, width: () => 140, color: false, now: () => 0,
    open: async (name = '') => ({
      run: name, dir: folder, lineage: runs[name] ?? emptyLineage(), facts: [], blobs: { get: async () => null }, bus: null, columns: [], standalone: {},
      async *follow() { /* it has ended: no fact follows */ }, async close() { /* nothing was opened */ },
    }),
  });
  await program.parseAsync(['compare', ...args], { from: 'user' });
  return parts.join('');
}
const asked = async (...args: string[]): Promise<Comparison> => JSON.parse(await brigade(...args, '--json')) as Comparison;
const feature = ({ features, arms }: Comparison, name: string): (number | null)[] => arms.map((arm) => arm.features[features.findIndex((one) => one.name === name)]?.mean ?? null);

describe('arms', () => {
  const { started } = made(4);
  const named = (more: Partial<RunStarted>): string => (started ? armName({ ...started, ...more }) : '');
  test('are named by everything that sets them apart but the seed and the limits', () => {
    expect(named({})).toBe('4 specialists, search');
    expect(named({ seed: 9, limits: { trials: 1, slotSeconds: 1, wallSeconds: 1, tokens: 1, money: 1, secondsWithoutKeep: 1 } })).toBe(named({}));
    expect(named({ arm: { kind: 'generic', agents: 4, ownership: 'advisory', lineage: false }, proposer: 'llm' })).toBe('generic-4, no lineage, llm');
    expect(named({ arm: { ...SINGLE, ownership: 'enforced' }, compose: 'greedy' })).toBe('single, enforced, search, compose greedy');
    expect(named({ arm: { kind: 'specialists', agents: 10, ownership: 'advisory', lineage: true }, rosterName: 'paper' })).toBe('10 specialists, roster paper, advisory, search');
  });

  test('of one setting are one arm, whatever their order, and imported runs stand by themselves until somebody says otherwise', async () => {
    const { arms } = await asked('team-1', 'alone-1', 'team-2', 'alone-2');
    expect(arms.map(({ arm, courses }) => [arm, courses.map(({ run }) => run)])).toEqual([['4 specialists, search', ['team-1', 'team-2']], ['single, search', ['alone-1', 'alone-2']]]);
    const byHand = await asked('a=team-1,alone-1', 'b=team-2');
    expect(byHand.arms.map(({ arm, courses }) => [arm, courses.length])).toEqual([['a', 2], ['b', 1]]);
    await expect(brigade('a=team-1', 'b=team-1')).rejects.toThrow('team-1 is named twice: a run belongs to one arm');
    await expect(brigade('=team-1')).rejects.toThrow('must be NAME=RUN,RUN');
  });
});

describe('runs that cannot be compared are refused with what differs', () => {
  test.each([
    ['other-surface', 'team-1 and other-surface cannot be compared: one searches golf-mini, the other nanochat-mini'],
    ['other-cap', 'team-1 and other-cap cannot be compared: they were measured by different evaluators (golf-mini '],
    ['other-way', 'team-1 and other-way cannot be compared: one has val_bpb, minimized, the other val_bpb, maximized'],
    ['never-started', 'never-started has not started'],
  ])('%s', async (name, says) => { await expect(brigade('team-1', name)).rejects.toThrow(says); });
});

describe('at equal budget', () => {
  test('every run is cut at the fewest trials: runs that went the same way up to there come out the same, however long they went on', async () => {
    const cut = await asked('team-1', 'team-2', 'alone-1', 'alone-2');
    const most = courseOf('team-1', runs['team-1'] ?? emptyLineage()).steps.length;
    expect(cut.at).toEqual({ budget: 'trials', most, setBy: 'team-1' });
    for (const name of ['trials', 'keeps', 'valid score', 'active parent heads', 'cross-role parents', 'effective clusters', 'slot-hours']) { const [team, alone] = feature(cut, name); expect(alone, name).toBe(team); }
    expect(feature(cut, 'trials')).toEqual([most, most]);
    const whole = await asked('team-1', 'team-2', 'alone-1', 'alone-2', '--at', 'all');
    expect(whole.at).toBeNull();
    expect(feature(whole, 'trials')[0]).toBeGreaterThan(most);
    expect(whole.warnings.join('\n')).toMatch(/trials differ: from \d+ \(team-1\) to \d+ \(team-2\); --at trials cuts/);
  });

  test('a cut by slot-seconds keeps exactly the trials that they had paid for', async () => {
    const { at, arms } = await asked('team-2', 'alone-1', '--at', 'slot-seconds');
    const lineage = runs['team-2'] ?? emptyLineage();
    const all = courseOf('team-2', lineage);
    expect(at?.setBy).toBe('alone-1');
    const kept = cutAt(all, lineage, 'slot-seconds', at?.most ?? 0).steps;
    expect(kept.length).toBeLessThan(all.steps.length);
    expect(kept.at(-1)?.slotSeconds).toBeLessThanOrEqual(at?.most ?? 0);
    expect(all.steps[kept.length]?.slotSeconds).toBeGreaterThan(at?.most ?? Infinity);
    expect(arms[0]?.courses[0]?.steps).toHaveLength(kept.length);
  });

  test('a course ends where the run did, and its best so far is the best of the run', () => {
    const lineage = runs['team-2'] ?? emptyLineage();
    const points = bestSoFar(lineage);
    const { start, steps } = courseOf('team-2', lineage);
    expect(start).toBe(points[0]?.score);
    expect(steps.at(-1)?.delta).toBeCloseTo((points.at(-1)?.score ?? 0) - (points[0]?.score ?? 0), 12);
    expect([...new Set(steps.flatMap(({ best }) => best ?? []))]).toEqual(points.slice(1).map(({ trial }) => trial));
    expect(steps.every(({ slotSeconds }, i) => slotSeconds >= (steps[i - 1]?.slotSeconds ?? 0))).toBe(true);
    expect(steps.at(-1)?.slotSeconds, 'calibration and the final claim are left out').toBeLessThan(lineage.slotSeconds - 100);
  });
});

describe('intervals', () => {
  test('are Student\'s, over as many runs as are known, and one run has none', () => {
    const { n, mean, interval } = estimate([1, null, 2, 3]) ?? { n: 0, mean: 0, interval: null };
    expect([n, mean]).toEqual([3, 2]);
    expect((interval?.[1] ?? 0) - mean).toBeCloseTo(4.30265 / Math.sqrt(3), 4); // t of 97.5 % with two degrees of freedom, sd 1
    expect(estimate([5, null])).toEqual({ n: 1, mean: 5, interval: null });
    expect(estimate([null])).toBeNull();
  });

  test('seeds pair up by number where each arm has one run of them', async () => {
    const { paired } = await asked('team-1', 'team-2', 'alone-1', 'alone-2', '--at', 'all');
    expect(paired).toMatchObject([{ arm: 'single, search', against: '4 specialists, search', seeds: [1, 2] }]);
    const trials = (name: string): number => courseOf(name, runs[name] ?? emptyLineage()).steps.length;
    const { features } = await asked('team-1', 'team-2', 'alone-1', 'alone-2', '--at', 'all');
    const [a, b] = [trials('alone-1') - trials('team-1'), trials('alone-2') - trials('team-2')];
    expect(paired[0]?.features[features.findIndex(({ name }) => name === 'trials')]).toMatchObject({ n: 2, mean: (a + b) / 2 });
    expect((await asked('team-1', 'alone-2')).paired[0]?.seeds).toEqual([]);
  });
});

describe('what is printed', () => {
  test('has the paper\'s quantities by arm, and says what besides the arm differs', async () => {
    const text = await brigade('team-1', 'team-2', 'alone-1');
    for (const says of ['best', 'change from start', 'keeps', 'valid score', 'active parent heads', 'specialists with a keep', 'effective clusters', 'near duplicates', 'cross-role parents', 'cross-role keeps', 'slot-hours']) expect(text).toMatch(new RegExp(`^${says} +\\S`, 'm'));
    expect(text).toMatch(/^arm +4 specialists, search {3}team-1 \(seed 1\), team-2 \(seed 2\)$/m);
    expect(text).toMatch(/^ +4 specialists, search \(n 2\) +single, search$/m);
    expect(text).toMatch(/limits differ: trials 24 wallSeconds 1,200 \(team-1\)/);
    expect(text).not.toMatch(/^money/m);
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
    expect(await brigade('team-1', 'alone-1', '--markdown')).toMatch(/^\| {2}\| 4 specialists, search \| single, search \|\n\| --- \| ---: \| ---: \|$/m);
  });

  test('is drawn as a page that runs no script and asks no network, and as a picture alone', async () => {
    const page = join(folder, 'arms.html');
    await brigade('team-1', 'team-2', 'alone-1', 'alone-2', '--at', 'all', '--out', page);
    const html = await readFile(page, 'utf8');
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/<script|https?:(?!\/\/www\.w3\.org\/2000\/svg)/);
    expect(html.match(/class="arm hue-/g)).toHaveLength(2);
    expect(html.match(/class="one"/g)).toHaveLength(4);
    expect(html.match(/class="spread"/g)).toHaveLength(2);
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
    const picture = join(folder, 'arms.svg');
    await brigade('team-1', 'alone-1', '--at', 'slot-seconds', '--out', picture);
    expect(await readFile(picture, 'utf8')).toMatch(/^<svg xmlns[^>]*><style>/);
    await expect(brigade('team-1', '--out', 'arms.png')).rejects.toThrow('--out arms.png must end in .html or .svg');
  });
});

// The runs that the paper released are not ours to commit: where they lie beside the repository they are read, elsewhere this says so.
const TRACE = join('..', 'shared', 'traces', 'pg_ablation_lineage_on');
if (!existsSync(join(TRACE, 'results.tsv'))) process.stderr.write(`SKIPPED: the paper's control run is not compared, because ${TRACE} is not here\n`);
test.skipIf(!existsSync(join(TRACE, 'results.tsv')))('the paper\'s control run has the paper\'s figures, whole and at any earlier moment', async () => {
  const lineage = foldFiles('on', await findTrace(TRACE), { metric: null, direction: null });
  const at = compare([{ run: 'on', lineage, arm: null }], 'trials');
  const value = (name: string): number | null => feature(at, name)[0] ?? null;
  expect([value('trials'), value('keeps'), value('best'), value('active parent heads'), value('specialists with a keep'), value('evaluation overruns'), value('cross-role parents'), value('cross-role keeps')])
    .toEqual([200, 16, 1.073142, 15, 8, 38, 154, 10]);
  expect(value('change from start')).toBeCloseTo(-0.007858, 6);
  expect(value('of parents that are trials')).toBeCloseTo(154 / 184, 12);
  expect(value('of keeps on trials')).toBeCloseTo(10 / 12, 12);
  const curve = at.arms[0]?.curve.map(({ delta }) => delta?.mean ?? NaN) ?? [];
  expect(curve).toHaveLength(201);
  expect(curve[0]).toBe(0);
  expect(curve.every((delta, i) => delta <= (curve[i - 1] ?? 0))).toBe(true);
  expect(curve[176], 'the last keep is trial 176').toBeCloseTo(-0.007858, 6);
  expect(curve[175]).toBeGreaterThan(-0.007858 + 1e-9);
});
