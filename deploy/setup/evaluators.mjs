import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupFailure } from './failure.mjs';
import { hashFiles } from './state.mjs';

/** Whether only surfaces of somebody else's repository are measured by it: `brigade surfaces setup` prepares those, after asking for gigabytes. */
function isUpstream(root, evaluator) {
  const surfaces = join(root, 'surfaces');
  const told = (existsSync(surfaces) ? readdirSync(surfaces) : []).map((name) => join(surfaces, name, 'surface.yaml')).filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'))
    .filter((text) => text.split('\n').some((line) => line.replace(/\s+#.*$/, '').trim() === `evaluator: ${evaluator}`));
  return told.length > 0 && told.every((text) => /^upstream:/m.test(text));
}

/** Lets every evaluator that has a prepare.mjs make its data, once for each state of its folder. */
export async function prepareEvaluators(context) {
  const { root, state, again } = context;
  const folder = join(root, 'evaluators');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(join(folder, name, 'prepare.mjs')) && !isUpstream(root, name)).sort() : [];
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
