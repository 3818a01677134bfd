import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findOptuna } from '../../src/adapters/optuna/index.ts';
import { projectRoot } from '../../src/adapters/toolchain/index.ts';
import { openProject } from '../support/program.ts';
import { expectWhole } from '../loop/ledger.ts';
import { conductCampaign, type Campaign } from './campaign.ts';
import { compare, markdownRivalry, meanOf, plainRivalry } from './rivalry.ts';

const optuna = findOptuna(projectRoot());
if (optuna === null) process.stderr.write('the campaign is tried without TPE: npm run rivals installs Optuna\n');

test('a campaign gives rivals the slot-seconds of the yardstick, goes on where it was, and says who gained what', async () => {
  await using project = await openProject();
  if (optuna !== null) await symlink(join(projectRoot(), '.brigade', 'rivals-python'), join(project.root, '.brigade', 'rivals-python'));
  await cp(join(projectRoot(), 'src', 'adapters', 'optuna'), join(project.root, 'src', 'adapters', 'optuna'), { recursive: true }); // its program is not TypeScript
  const said: string[] = [];
  const proposers = ['search', 'random', ...(optuna === null ? [] : ['tpe'])];
  const campaign: Campaign = { place: project, main: join(project.root, 'dist', 'main.js'), surface: 'tiny', seeds: [101], proposers, trials: 4, flags: ['--slots', '2'], say: (line) => said.push(line) };
  await conductCampaign({ ...campaign, proposers: ['search'] });
  const runs = await conductCampaign(campaign);
  expect(said.filter((line) => line.endsWith('begins'))).toEqual(['rivals-tiny-calibration   begins', ...proposers.map((proposer) => `rivals-tiny-${proposer}-4-101   begins`)]);
  const [search, ...rivals] = runs;
  if (search === undefined) throw new Error('search did not run');
  expect(search.lineage.admittedCount).toBe(4);
  for (const { run, proposer, lineage } of rivals) {
    const { facts } = await expectWhole(project, run);
    expect(lineage.limits?.slotSeconds).toBeCloseTo(search.slotSeconds, 0);
    expect(lineage.stopped).toMatch(/slot limit/);
    expect(lineage.admittedCount).toBeGreaterThan(0);
    for (const fact of facts) if (fact.word === 'trial.admitted' && fact.ids[0] !== 't0000') expect(fact.body.proposal.proposer.kind).toBe(proposer);
    expect(lineage.calibration?.reusedFrom).toBe('rivals-tiny-calibration');
  }
  const rivalry = compare('tiny', 4, runs);
  expect(rivalry.scores.map(({ proposer, seed }) => [proposer, seed])).toEqual(proposers.map((proposer) => [proposer, 101]));
  for (const { gain, interval, keeps } of rivalry.scores) expect(keeps === 0 ? [gain, interval] : interval !== null && interval[0] <= gain && gain <= interval[1]).toEqual(keeps === 0 ? [0, null] : true);
  expect(rivalry.differences.map(({ rival, n, interval }) => [rival, n, interval])).toEqual(proposers.slice(1).map((rival) => [rival, 1, null]));
  expect(plainRivalry(rivalry)).toContain('search less random, seed by seed:');
  expect(markdownRivalry(rivalry).split('\n').filter((line) => line.startsWith('| 101 |'))).toHaveLength(proposers.length);
  await project.quiet();
}, 600_000);

test('a mean over seeds has Student\'s interval', () => {
  expect(meanOf([0.1])).toEqual({ n: 1, mean: 0.1, sd: null, interval: null });
  const { mean, interval } = meanOf([0.1, 0.2, 0.3, 0.2, 0.2]);
  expect(mean).toBeCloseTo(0.2, 12);
  expect(interval?.[1]).toBeCloseTo(0.2 + 2.7764451 * 0.07071068 / Math.sqrt(5), 6); // t for 4 degrees of freedom, from a printed table
});
