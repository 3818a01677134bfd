import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openProject, type Project } from '../support/program.ts';

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

test('a survey that is told to end finishes what is leased, prints what it has and is answered with 130', async () => {
  const running = project.start(['survey', 'tiny', '--json']);
  const run = await vi.waitFor(async () => {
    const [found = ''] = await readdir(project.runs);
    const facts = await project.facts(found);
    if (!facts.some((fact) => fact.word === 'lease.granted' && fact.ids[0] === 't0001')) throw new Error('no edit is leased yet');
    return found;
  }, { timeout: 90_000, interval: 50 });
  running.signal('SIGTERM');
  const done = await running.ended;
  expect(done.code, done.err).toBe(130);
  expect(done.printed.find(({ trial }) => trial === 't0001')).toMatchObject({ edit: expect.stringMatching(/^(architecture|data|kernel|optimizer)\/[\w-]+$/) as string, status: expect.any(String) });
  expect((await project.brigade(['status', run])).out).toContain('stopped: stopped by its operator');
  await project.quiet();
}, 180_000);

test('a survey whose baseline cannot be measured ends and says so', async () => {
  const file = join(project.root, 'surfaces', 'tiny', 'recipe', 'data.py');
  await writeFile(file, (await readFile(file, 'utf8')).replace('    return chosen', '    raise RuntimeError("nothing to choose")'));
  const done = await project.brigade(['survey', 'tiny', '--only', 'kernel', '--json']);
  expect(done.code, done.err).toBe(2);
  expect(done.err).toMatch(/evaluator could not be kept alive|ended before every edit was measured|takes no more trials/);
  await project.quiet();
}, 300_000);
