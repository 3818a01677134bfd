// Installs what only the rivals of the search proposer need: Optuna, in an environment of its own. Set-up never does this.
//
//   R1. Doing it again does nothing that is done; killed anywhere, it begins again: the environment gets its name last.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endCommands, runLogged } from './setup/command.mjs';
import { findPython, pip } from './setup/python-found.mjs';

/** The version the figures in docs/search.md were taken with. */
const OPTUNA = '5.0.0';
const [VENV_MS, INSTALL_MS] = [3 * 60_000, 10 * 60_000];

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const say = (text) => process.stderr.write(`rivals   ${text}\n`);
process.exitCode = await main().catch((error) => {
  say(`failed: ${error.message}${error.remedy ? `. ${error.remedy}` : ''}`);
  return 1;
});

async function main() {
  const brigade = join(root, '.brigade');
  const environment = join(brigade, 'rivals-python');
  const mark = join(environment, 'optuna');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === OPTUNA) {
    say(`optuna ${OPTUNA} ✓`);
    return 0;
  }
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) process.on(signal, () => { endCommands(); process.exit(code); });
  mkdirSync(join(brigade, 'logs'), { recursive: true });
  mkdirSync(join(brigade, 'setup'), { recursive: true });
  const base = await findPython(JSON.parse(readFileSync(join(root, 'deploy', 'setup', 'pins.json'), 'utf8')), process.env);
  rmSync(environment, { recursive: true, force: true });
  const log = join(brigade, 'logs', 'rivals.log');
  rmSync(log, { force: true });
  const run = async (command, timeoutMs) => {
    const problem = await runLogged({ command, log, lockFolder: join(brigade, 'setup'), timeoutMs, cwd: root, env: {} });
    if (problem) throw new Error(`${command.slice(1, 4).join(' ')}: ${problem}; ${relative(root, log)} has the rest`);
  };
  say(`optuna ${OPTUNA}, into .brigade/rivals-python …`);
  await run([base.executable, '-m', 'venv', ...(base.ensurepip ? [] : ['--without-pip']), environment], VENV_MS);
  await run([...pip(environment, base), 'install', '--retries', '2', '--no-compile', `optuna==${OPTUNA}`], INSTALL_MS);
  writeFileSync(`${mark}.draft`, OPTUNA);
  renameSync(`${mark}.draft`, mark); // R1
  say(`optuna ${OPTUNA} ✓`);
  return 0;
}
