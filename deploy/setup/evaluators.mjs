import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SetupFailure } from './failure.mjs';
import { hashFiles } from './state.mjs';

/** Lets every evaluator that has a prepare.mjs make its data, once for each state of its folder. */
export async function prepareEvaluators(context) {
  const { root, state, again } = context;
  const folder = join(root, 'evaluators');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(join(folder, name, 'prepare.mjs'))).sort() : [];
  const sets = { ...state.mark('evaluators')?.sets };
  let did = false;
  for (const name of names) {
    const out = join(root, '.brigade', 'data', name);
    const key = hashFiles(root, [join(folder, name), join(root, 'package-lock.json')]);
    if (!again && sets[name] === key && existsSync(out)) continue;
    context.doing(`data for ${name}`);
    delete sets[name];
    state.finish('evaluators', { sets });
    const problem = await context.run(`prepare-${name}`, [process.execPath, join(folder, name, 'prepare.mjs'), out], 10 * 60_000);
    if (problem) throw new SetupFailure(`evaluators/${name}/prepare.mjs: ${problem}`, 'mend what the log names, then npm run setup', context.log(`prepare-${name}`));
    sets[name] = key;
    state.finish('evaluators', { sets: { ...sets } });
    did = true;
  }
  state.finish('evaluators', { sets });
  return { line: names.length > 0 ? `data ${names.join(', ')}` : 'no data to prepare', did };
}
