import { Command } from 'commander';
import { cp, mkdtemp, rm } from 'node:fs/promises';
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

async function surfaces(...words: readonly string[]): Promise<string> {
  let said = '';
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
