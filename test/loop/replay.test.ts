import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lineage, TrialRow } from '../../src/domain/lineage.ts';
import { openProject, type Done, type Project } from '../support/program.ts';
import { expectWhole } from './ledger.ts';

let project: Project;
let recorded: Lineage;
beforeAll(async () => {
  project = await openProject();
  const done = await project.brigade(['run', 'tiny', '--trials', '5', '--seed', '5', '--minutes', '5', '--compose', 'greedy', '--name', 'recorded', '--json']);
  expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' });
  recorded = (await expectWhole(project, 'recorded')).lineage;
}, 300_000);
afterAll(() => project[Symbol.asyncDispose](), 240_000);

const rowsOf = (lineage: Lineage): TrialRow[] => [...lineage.trials.values()].filter(({ trial }) => trial !== 't0000');
const asMade = ({ trial, proposal, snapshot, rejection }: TrialRow) => ({ trial, specialist: proposal.specialist, parent: proposal.parent, hypothesis: proposal.hypothesis, patch: proposal.patch, parts: proposal.parts, expectedDelta: proposal.expectedDelta, strategy: proposal.proposer.strategy, snapshot, rule: rejection?.rule ?? null });
const verdicts = (done: Done): { trial: string; verdict: string; why: string }[] => (done.printed.at(-1)?.['trials'] ?? []) as { trial: string; verdict: string; why: string }[];

describe('a run that is replayed', () => {
  test('has the same proposals under the same ids in the same order, by the same authors, without anybody who thinks, even where whoever proposes was killed, and says how it compares', async () => {
    const running = project.start(['replay', 'recorded', '--name', 'again', '--json']);
    await running.until((line) => line['event'] === 'trial.admitted' && line['trial'] === 't0002');
    const replayers = (await project.processes()).filter(({ args }) => args.includes('replayer'));
    expect(replayers).toHaveLength(1);
    for (const { pid } of replayers) process.kill(pid, 'SIGKILL');
    const done = await running.ended;
    expect(done.err).toBe('');
    const { lineage, facts } = await expectWhole(project, 'again');
    expect(facts[0]).toMatchObject({ word: 'run.started', body: { proposer: 'replay', replays: 'recorded', roster: recorded.started?.roster, limits: { trials: recorded.admittedCount } } });
    expect(rowsOf(lineage).map(asMade)).toEqual(rowsOf(recorded).map(asMade));
    expect(new Set(rowsOf(lineage).map(({ proposal }) => `${proposal.proposer.kind} ${proposal.tokens} ${proposal.money}`))).toEqual(new Set(['replay 0 0']));
    const order = (of: Lineage): string[] => rowsOf(of).sort((a, b) => a.admittedSeq - b.admittedSeq).map(({ trial }) => trial);
    expect(order(lineage)).toEqual(order(recorded));
    for (const row of rowsOf(lineage)) { // whatever had ended before a proposal was made had ended before it was made again
      const before = rowsOf(recorded).filter((one) => one.seq < (recorded.trials.get(row.trial)?.admittedSeq ?? 0) && one.result !== null);
      for (const one of before) expect(lineage.trials.get(one.trial)?.seq, `${one.trial} before ${row.trial}`).toBeLessThan(row.admittedSeq);
    }
    for (const of of [lineage, recorded]) expect(of.claim !== null, 'a best that was kept is claimed, and nothing else').toBe(rowsOf(of).some(({ result }) => result?.status === 'keep'));
    expect(lineage.operatorActs).toEqual([]);
    const found = done.printed.at(-1);
    expect(found).toMatchObject({ event: 'replay.compared', run: 'again', replays: 'recorded' });
    expect(verdicts(done).map(({ trial }) => trial)).toEqual(rowsOf(recorded).map(({ trial }) => trial));
    expect(done.code).toBe(found?.['holds'] === true ? 0 : 2);
    for (const { verdict, why } of verdicts(done)) expect(why, verdict).not.toBe('');
    await project.quiet();
  }, 300_000);

  test('is compared again without running anything, in words', async () => {
    const done = await project.brigade(['replay', 'recorded', '--with', 'again']);
    expect(done.err).toBe('');
    expect(done.out).toMatch(/again against recorded {3}\d+ of \d+ proposals agree/);
    expect(done.out).toMatch(/^claim /m);
    const other = await project.brigade(['replay', 'again', '--with', 'recorded']);
    expect({ code: other.code, err: other.err.trim() }).toEqual({ code: 1, err: 'recorded replays nothing: brigade compare sets runs side by side' });
  }, 120_000);
});

describe('what cannot be replayed is refused with the reason', () => {
  const refused = async (...args: string[]): Promise<string> => {
    const done = await project.brigade(['replay', ...args]);
    expect(done.code, done.out + done.err).toBe(1);
    return done.err.trim();
  };

  test('a surface that was changed, a name that is taken, a recording with a gap or damage, and a run without proposals', async () => {
    const journal = join(project.runs, 'recorded', 'journal.jsonl');
    const text = await readFile(journal, 'utf8');
    const copy = join(project.root, 'elsewhere');
    const from = async (changed: string): Promise<string> => { await rm(copy, { recursive: true, force: true }); await cp(join(project.runs, 'recorded'), copy, { recursive: true, filter: (path) => !path.includes('/nats') }); await writeFile(join(copy, 'journal.jsonl'), changed); return refused(copy); };
    const lines = text.trimEnd().split('\n');
    const [admitted] = lines.flatMap((line, i) => (line.includes('"word":"trial.admitted"') && line.includes('"t0001"') ? [i] : []));
    expect(await from(lines.filter((_, i) => i !== admitted).join('\n'))).toMatch(/^elsewhere cannot be replayed: t0001 is missing from it, and what follows would have other ids/);
    expect(await from(lines.map((line, i) => (i === admitted ? line.replace('"specialist":"', '"specialist":"no token ') : line)).join('\n'))).toMatch(new RegExp(`journal.jsonl:${(admitted ?? 0) + 1} is damaged \\(trial.admitted: proposal.specialist`));
    expect(await from(lines.slice(0, 3).join('\n'))).toBe('elsewhere has no proposals: there is nothing to run again');
    expect(await from('{"cut off')).toMatch(/journal.jsonl:1 is damaged/);
    expect(await refused('recorded', '--name', 'again')).toMatch(/there is a run again already/);
    expect(await refused('nobody')).toMatch(/there is no run nobody/);
    const surface = join(project.root, 'surfaces', 'tiny', 'recipe', 'model.py');
    const before = await readFile(surface, 'utf8');
    await writeFile(surface, `${before}\nEXTRA = 1\n`);
    expect(await refused('recorded')).toMatch(/^surfaces\/tiny is not what recorded searched \([0-9a-f]{8}, was [0-9a-f]{8}\), so its patches could mean something else: put it back/);
    await writeFile(surface, before);
    const scorer = join(project.root, 'evaluators', 'tiny', 'evaluator.yaml');
    const yaml = await readFile(scorer, 'utf8');
    await writeFile(scorer, `${yaml}\n# another\n`);
    expect(await refused('recorded')).toMatch(/^evaluators\/tiny, or the warden it measures with, is not what measured recorded/);
    await writeFile(scorer, yaml);
  }, 120_000);
});
