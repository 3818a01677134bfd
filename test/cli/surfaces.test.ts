import { Command } from 'commander';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { surfacesCommand } from '../../src/cli/surfaces.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'brigade-surfaces-'));
  for (const name of ['tiny', 'parameter-golf']) for (const kind of ['surfaces', 'evaluators']) await cp(join(import.meta.dirname, '..', '..', kind, name), join(root, kind, name), { recursive: true });
});
afterAll(() => rm(root, { recursive: true, force: true }));

let said = '';
async function surfaces(...words: readonly string[]): Promise<string> {
  said = '';
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  surfacesCommand(program, { root, runs: join(root, 'runs') }, { write: (text) => { said += text; } });
  await program.parseAsync(['surfaces', ...words], { from: 'user' });
  return said;
}

test('a word that is no command of surfaces is answered with those there are, and a surface with what can be asked of it', async () => {
  expect(await surfaces()).toMatch(/^tiny /m);
  await expect(surfaces('chek')).rejects.toThrow('brigade surfaces has no command chek; did you mean `check`?');
  await expect(surfaces('tiny')).rejects.toThrow('say what about tiny: brigade surfaces show tiny, check tiny or setup tiny');
});

test.each([
  [['--from', 'nowhere', '--no-data'], '--from nowhere is not there: give the path of a checkout'],
  [['--data', 'nowhere'], '--data nowhere is not there: give the path of the folder with the data'],
  [['--python', 'nowhere'], '--python nowhere is not there'],
  [['--no-data', '--python', process.execPath], '--no-data leaves the environment out too'],
])('set-up with %j is refused before anything is fetched', async (flags, why) => {
  await expect(surfaces('setup', 'parameter-golf', ...flags)).rejects.toThrow(why);
});

test('data that an evaluator of one\'s own project lacks is made by its own prepare.mjs: set-up does not look there', async () => {
  for (const kind of ['surfaces', 'evaluators']) await cp(join(root, kind, 'tiny'), join(root, kind, 'lacking'), { recursive: true });
  for (const [file, from, to] of [['surfaces/lacking/surface.yaml', 'evaluator: tiny', 'evaluator: lacking'], ['evaluators/lacking/evaluator.yaml', 'checksums: {}', `checksums: {train: "${'0'.repeat(64)}"}`]] as const) {
    await writeFile(join(root, file), (await readFile(join(root, file), 'utf8')).replace(from, to));
  }
  expect(await surfaces('check', 'lacking')).toContain(`not prepared yet: node evaluators/lacking/prepare.mjs .brigade/data/lacking in ${root} makes train`);
  for (const kind of ['surfaces', 'evaluators']) await rm(join(root, kind, 'lacking'), { recursive: true });
});

test('checking without a name checks every surface, and says what is wrong with one after what is right with the others', async () => {
  expect(await surfaces('check')).toMatch(/^parameter-golf ✓ {3}as far as can be seen.*\ntiny ✓ {3}\d+ files.*\n$/);
  await cp(join(root, 'surfaces', 'tiny'), join(root, 'surfaces', 'broken'), { recursive: true });
  const file = join(root, 'surfaces', 'broken', 'surface.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('count: 1', 'count: none'));
  await expect(surfaces('check')).rejects.toThrow(/^surfaces\/broken\/surface\.yaml:3:\d+ .*count/);
  expect(said).toMatch(/^parameter-golf ✓.*\ntiny ✓/m);
  await expect(surfaces('check', 'tiny')).resolves.toMatch(/^tiny ✓/);
  await expect(surfaces('check', '--roster', 'paper')).rejects.toThrow('name the surface, brigade surfaces check NAME --roster paper');
  const lines = (await surfaces('check', '--json')).trim().split('\n').map((text) => JSON.parse(text) as { name: string; ok: boolean });
  expect(lines.map(({ name, ok }) => [name, ok])).toEqual([['broken', false], ['parameter-golf', true], ['tiny', true]]);
  process.exitCode = 0;
  await rm(join(root, 'surfaces', 'broken'), { recursive: true });
});
