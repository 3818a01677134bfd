import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

// Makes the test surface last: its specialists would have tried everything before half of the faults had come, each measurement over at once.

/** Names that change nothing, in every file that a specialist owns. */
const SPARE = 150;
const OWNED = ['optimizer.py', 'model.py', 'data.py', 'kernel.py'];

/** Gives the copy of `tiny` more to try and measurements that take a while; leaves other surfaces alone. */
export async function makeLast(original: string, surface: string, lingerSeconds: number): Promise<void> {
  if (surface !== 'tiny') return;
  const recipe = join(original, 'surfaces', surface, 'recipe');
  for (const name of OWNED) {
    const spare = Array.from({ length: SPARE }, (_, n) => `SPARE_${n} = ${n + 1}.5`);
    await writeFile(join(recipe, name), `${await readFile(join(recipe, name), 'utf8')}\n${spare.join('\n')}\n`);
  }
  const glue = join(recipe, 'recipe.py');
  const code = await readFile(glue, 'utf8');
  await writeFile(glue, code.replace('import random\n', 'import random\nimport time\n').replace('    generator = ', `    time.sleep(${lingerSeconds})\n    generator = `));
  const described = join(original, 'evaluators', surface, 'evaluator.yaml');
  await writeFile(described, (await readFile(described, 'utf8')).replace(/cap: \d+/, 'cap: 60000'));
}

/** Budgets of an evaluator and its canaries, as many times longer as the machine is slower, and longer by what was added to every measurement. */
export const stretched = (yaml: string, slow: number, lingerSeconds: number): string =>
  yaml.replaceAll(/\b(budget|tolerance|wall): ([\d.]+)/g, (_, name: string, seconds: string) => `${name}: ${Number(seconds) * slow + (name === 'tolerance' ? 0 : lingerSeconds)}`)
    .replaceAll(/(\{name: \w+, expect: [\w ]+)\}/g, `$1, train: ${slow + lingerSeconds}}`); // a canary has a second otherwise
