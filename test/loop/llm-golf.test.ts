import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAiServer, type Asked } from '../support/openai-server.ts';
import { openProject, type Project } from '../support/program.ts';
import { edit, giveUp, isOpening, players, submit, told, type Play } from '../support/scripted-model.ts';
import { expectWhole } from './ledger.ts';

// golf-mini by models, as it is but for two seconds of training instead of ten: in those a shorter context gains a third of a bit, far more than seeds differ by.

let project: Project;
beforeAll(async () => {
  project = await openProject();
  for (const part of ['surfaces/golf-mini', 'evaluators/golf-mini']) await cp(part, join(project.root, part), { recursive: true });
  const file = join(project.root, 'evaluators/golf-mini/evaluator.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('clock: calibrated, budget: 10, tolerance: 0.5', 'clock: calibrated, budget: 2, tolerance: 0.5').replaceAll(/wall: \d+/g, 'wall: 600').replace('clock: wall, budget: 30', 'clock: wall, budget: 600')); // by the clock on the wall only what hangs is ended: a busy machine is no reason
});
afterAll(() => project[Symbol.asyncDispose](), 240_000);

const next = async (asked: Asked): Promise<void> => { if (!isOpening(asked)) throw new Error(`a valid trial ends its session: ${asked.last}`); };

async function* architecture(asked: Asked): Play {
  yield edit('model.py', ['WIDTH = 40', 'WIDTH = 120']);
  asked = yield submit('three times the width learns more of every byte');
  const [, over = ''] = told(asked, /size_blocked\. ([\d,]+) bytes over the cap of 80,000/);
  const fits = 120 * Math.sqrt(80_000 / (80_000 + Number(over.replaceAll(',', '')))); // weights grow as its square, and what lies beside them does not
  yield edit('model.py', ['WIDTH = 120', `WIDTH = ${4 * Math.floor(fits * 0.75 / 4)}`]);
  await next(yield submit('the width that its bytes leave room for'));
}

async function* data(asked: Asked): Play {
  yield edit('data.py', ['CONTEXT = 128', 'CONTEXT = HALF']);
  asked = yield submit('half of the context makes twice the batches', -0.2);
  const [, name = ''] = told(asked, /crash\.[^]*\| NameError: name '(\w+)' is not defined/);
  yield edit('data.py', [`CONTEXT = ${name}`, 'CONTEXT = 64']);
  await next(yield submit('half of the context as a number makes twice the batches', -0.2));
}

async function* kernel(asked: Asked): Play {
  yield edit('kernel.py', ['    return torch.cat(answers)', '    return torch.cat(answers) + 0.01']);
  asked = yield submit('more likely bytes cost fewer bits', -0.01);
  told(asked, /disqualified\. \S+ [\d.e-]+, limit [\d.e-]+/);
  yield giveUp('probabilities that sum to more than one are no gain');
}

async function* optimizer(): Play { /* thinks for ever */ }

test('on golf-mini a size miss, a crash and a missed gate come back to the models, and what one makes of its own is kept', async () => {
  const cast = players({ architecture, data, kernel, optimizer });
  await using server = await openAiServer(cast.script);
  const running = project.start(['run', 'golf-mini', '--proposer', 'llm', '--model', 'scripted', '--base-url', server.baseURL, '--trials', '5', '--minutes', '30', '--keep', 'strict', '--calibration', '2', '--replicates', '2', '--name', 'golf', '--json']);
  const done = await Promise.race([running.ended, cast.fault]);
  expect({ code: done.code, err: done.err, strays: server.strays }).toEqual({ code: 0, err: '', strays: [] });
  const { lineage } = await expectWhole(project, 'golf');
  const rows = [...lineage.trials.values()].slice(1);
  const endings = (who: string) => rows.filter(({ proposal }) => proposal.specialist === who).map(({ result }) => (result?.status === 'discard' || (result?.status === 'keep' && who !== 'data') ? 'valid' : result?.status));
  expect({ architecture: endings('architecture'), data: endings('data'), kernel: endings('kernel') }).toEqual({ architecture: ['size_blocked', 'valid'], data: ['preflight_crash', 'keep'], kernel: ['disqualified'] });
  expect(lineage.bests.at(-1)).toMatchObject({ trial: rows.findLast(({ proposal }) => proposal.specialist === 'data')?.trial });
  const system = server.asked[0]?.system ?? '';
  expect([system.includes('at most 2.0 s (CPU seconds of a calibrated core)'), system.includes('80,000 bytes')], 'the limits that the evaluator goes by').toEqual([true, true]);
  await project.quiet();
}, 1_800_000);
