// What the prepare.mjs of an evaluator whose data come from upstream are made of: an interpreter, programs that run long, folders with a manifest.
//
//   F1. A folder is whole when its manifest is there, and the manifest is written last: killed anywhere, a set-up goes on the next time.
//   F2. Files of the user are linked or copied, never moved and never changed.
//   F3. Nothing is downloaded without saying first how much, and never by us: upstream's own script does it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, copyFileSync, existsSync, linkSync, lstatSync, mkdirSync, openSync, readFileSync, readdirSync, readSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Refused } from './refused.mjs';

export { commitOf, trackedFiles } from './checkout.mjs';
export { Refused };

export const say = (text) => process.stderr.write(`${text}\n`);

/** Says that nothing is left to make, and how to have what was given instead. */
export const sayMade = (evaluator, outdir, from) => say(`${evaluator}: data already in ${outdir}${from === null ? '' : `; to take those of ${from} instead, remove that folder first`}`);

/** <outdir> --checkout PATH [--from DATA] [--python PATH] and what an evaluator adds; null without a checkout, as npm run setup calls it. */
export function readArguments(evaluator, extra = {}) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { checkout: { type: 'string' }, from: { type: 'string' }, python: { type: 'string' }, ...extra } });
  if (positionals.length !== 1) throw new Refused(`usage: node evaluators/${evaluator}/prepare.mjs <outdir> --checkout PATH [--from DATA] [--python PATH]${Object.keys(extra).map((name) => ` [--${name} N]`).join('')}`);
  const outdir = resolve(positionals[0]);
  mkdirSync(outdir, { recursive: true });
  if (values.checkout === undefined) { say(`${evaluator}: its data come with brigade surfaces setup`); return null; }
  for (const name of ['checkout', 'from']) if (values[name] !== undefined && !existsSync(values[name])) throw new Refused(`--${name} ${values[name]} is not there: give the path of ${name === 'checkout' ? 'a checkout of the upstream repository' : 'a folder with the data'}`);
  return { ...values, outdir, checkout: resolve(values.checkout), from: values.from === undefined ? null : resolve(values.from) };
}

/** The evaluator's own interpreter in <project>/.brigade/environments: a link to a given one's environment, or one made here from upstream's requirements. */
export function ensureEnvironment({ root, evaluator, python, needs, requirements, disk }) {
  const folder = join(root, '.brigade', 'environments', evaluator);
  const program = join(folder, 'bin', 'python');
  if (python !== undefined) {
    if (!python.includes('/') || !existsSync(python)) throw new Refused(`--python ${python} is no program here: give the path of an environment's interpreter`);
    mkdirSync(dirname(folder), { recursive: true });
    if (existsSync(folder) && !lstatSync(folder).isSymbolicLink()) throw new Refused(`${folder} was made by an earlier set-up: remove it to use ${python} instead`);
    rmSync(folder, { force: true });
    symlinkSync(dirname(dirname(resolve(python))), folder);
    if (!existsSync(program)) throw new Refused(`${python} does not lie in an environment's bin/ as python: give <environment>/bin/python`);
  } else if (!existsSync(join(folder, 'made'))) {
    say(`${evaluator}: an environment of its own with upstream's packages, ${disk} on disk, some minutes …`);
    run(['python3', '-m', 'venv', folder]);
    runOnline([program, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...requirements], { log: `${folder}.log`, remedy: `name an interpreter that has ${needs.join(', ')} with --python` });
    writeFileSync(join(folder, 'made'), '');
  }
  const lacking = needs.filter((name) => spawnSync(program, ['-I', '-c', `import ${name}`], { stdio: 'ignore' }).status !== 0);
  if (lacking.length > 0) throw new Refused(`${program} has no ${lacking.join(', ')}: install ${lacking.length === 1 ? 'it' : 'them'} there, or name another interpreter with --python`);
  return program;
}

/** Runs a program to its end with its words on standard error. */
export function run(command, options = {}) {
  const { status, error } = spawnSync(command[0], command.slice(1), { stdio: ['ignore', 2, 2], ...options });
  if (error || status !== 0) throw new Refused(`${titleOf(command)} ended with ${error ? error.message : `exit code ${status}`}`);
}

/** Runs a program of others that needs a network, its words in `log`: without one they are a page, of which a refusal quotes the last. */
export function runOnline(command, { log, remedy, ...options }) {
  mkdirSync(dirname(log), { recursive: true });
  const words = openSync(log, 'w');
  const { status, error } = spawnSync(command[0], command.slice(1), { stdio: ['ignore', words, words], ...options });
  closeSync(words);
  if (!error && status === 0) return;
  const last = readFileSync(log, 'utf8').split(/[\r\n]+/).map((line) => line.trim()).filter(Boolean).at(-1) ?? 'it said nothing';
  throw new Refused(`${titleOf(command)} ended with ${error ? error.message : `exit code ${status}: ${last.slice(0, 300)}`} (${log} has the rest). Without a network, ${remedy}`);
}

const titleOf = (command) => `${basename(command[0])} ${command.slice(1, 4).join(' ')}`;

/** Puts a file into a data folder: a second name for it on the same disk, else a copy. */
export function bring(from, to) {
  rmSync(to, { force: true });
  try { linkSync(from, to); } catch { copyFileSync(from, to); }
}

/** Whether a set has its manifest, and every file the size and time that stand there. */
export function isWhole(outdir, set) {
  if (!existsSync(join(outdir, `${set}.manifest.json`))) return false;
  try {
    const { files } = JSON.parse(readFileSync(join(outdir, `${set}.manifest.json`), 'utf8'));
    const held = readdirSync(join(outdir, set), { recursive: true }).map(String).filter((path) => statSync(join(outdir, set, path)).isFile());
    return held.length === files.length && files.every(({ path, bytes, mtimeMs }) => { const found = statSync(join(outdir, set, path)); return found.size === bytes && Math.floor(found.mtimeMs) === mtimeMs; });
  } catch { return false; } // damaged, or a file is gone: it is made again
}

/** Makes one set unless it is whole: `make` fills an empty folder, which then gets its manifest. */
export function makeSet(outdir, set, make) {
  if (isWhole(outdir, set)) { say(`${set} is there already`); return; }
  const folder = join(outdir, set);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  make(folder);
  const files = readdirSync(folder, { recursive: true }).map(String).sort().filter((path) => statSync(join(folder, path)).isFile()).map((path) => {
    const { size, mtimeMs } = statSync(join(folder, path));
    return { path, bytes: size, sha256: digest(join(folder, path)), mtimeMs: Math.floor(mtimeMs) };
  });
  const manifest = join(outdir, `${set}.manifest.json`);
  writeFileSync(`${manifest}.partial`, JSON.stringify({ files }));
  renameSync(`${manifest}.partial`, manifest); // F1
  say(`${set}: ${files.length} files, ${(files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e9).toFixed(3)} GB`);
}

function digest(path) {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(1 << 22);
  const handle = openSync(path, 'r');
  try {
    for (let count = readSync(handle, piece); count > 0; count = readSync(handle, piece)) hash.update(piece.subarray(0, count));
  } finally { closeSync(handle); }
  return hash.digest('hex');
}

/** Runs a prepare.mjs; what it was refused is one line and exit code 1. */
export function prepareOrRefuse(work) {
  try { work(); } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}

