// Makes a checkout ready to run: node packages, dist/, Python with PyTorch, nats-server, sandbox, the evaluators' data.
//
//   U1. Doing it again does nothing that is done, in under a second.
//   U2. Killed anywhere, it goes on the next time: a step is done when its mark is in .brigade/setup.json, which is written last.
//   U3. Nothing outside the checkout is changed, but for bubblewrap by apt where root asks for it.
//
// Plain JavaScript without packages: it runs before there are any.
import { mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { prepareSandbox } from './setup/bubblewrap.mjs';
import { endCommands, runLogged } from './setup/command.mjs';
import { prepareEvaluators } from './setup/evaluators.mjs';
import { SetupFailure } from './setup/failure.mjs';
import { takeLock } from './setup/lock.mjs';
import { prepareNatsServer } from './setup/nats.mjs';
import { build, installPackages } from './setup/packages.mjs';
import { preparePython, prepareTestPython } from './setup/python.mjs';
import { hashText, openState } from './setup/state.mjs';
import { isAtLeast } from './setup/version.mjs';

const HELP = `node deploy/setup.mjs [--with-tests] [--again] [--only STEP,…] [--root FOLDER] [--json]

  --with-tests   also what only the tests need: a nats-server of our own, the Python NATS client
  --again        do every step again, whatever is there
  --only         packages, build, data, python, test-python, nats, sandbox
  --root         the checkout to set up; default: this one
  --json         one JSON line on standard output when it ends

Environment: BRIGADE_PYTHON, NATS_SERVER_BIN, BRIGADE_NATS_URL name what you already have.
example: npm run setup -- --again --only nats`;

const LANES = [
  [['packages', installPackages], ['build', build], ['data', prepareEvaluators]],
  [['python', preparePython], ['test-python', prepareTestPython], ['nats', prepareNatsServer], ['sandbox', prepareSandbox]],
];

const say = (text) => process.stderr.write(`set-up   ${text}\n`);

process.exitCode = await main().catch((error) => {
  say(`failed: ${error.message}`);
  return 1;
});

async function main() {
  const { values } = parseArgs({ options: { 'with-tests': { type: 'boolean' }, again: { type: 'boolean' }, only: { type: 'string' }, root: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const here = dirname(fileURLToPath(import.meta.url));
  const pinsText = readFileSync(join(here, 'setup', 'pins.json'), 'utf8');
  const pins = JSON.parse(pinsText);
  if (!isAtLeast(process.versions.node, pins.node)) throw new Error(`Node ${process.versions.node} is too old: ${pins.node} or newer is needed`);
  const root = realpathSync(values.root ?? join(here, '..'));
  const wanted = values.only?.split(',') ?? LANES.flat().map(([name]) => name).filter((name) => name !== 'test-python' || values['with-tests']);
  const unknown = wanted.find((name) => !LANES.flat().some(([step]) => step === name));
  if (unknown) throw new Error(`there is no step ${unknown}: ${LANES.flat().map(([name]) => name).join(', ')}`);

  const lockFolder = join(root, '.brigade', 'setup');
  mkdirSync(lockFolder, { recursive: true });
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
    process.on(signal, () => {
      endCommands();
      say('stopped; run it again to go on');
      process.exit(code);
    });
  }
  await takeLock(lockFolder, (pid) => say(`another set-up is at work here (process ${pid}): waiting for it`));

  const log = (step) => join(root, '.brigade', 'logs', `${step}.log`);
  for (const step of wanted) rmSync(log(step), { force: true });
  const context = {
    root, pins, log, again: values.again ?? false, withTests: values['with-tests'] ?? false,
    state: openState(root, JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version),
    doing: (text) => say(`${text} …`),
    run: (step, command, timeoutMs, cwd = root, env = {}) => runLogged({ command, log: log(step), lockFolder, timeoutMs, cwd, env }),
  };
  const lanes = await Promise.all(LANES.map((lane) => walk(lane.filter(([name]) => wanted.includes(name)), context)));
  const results = lanes.flat();
  const failed = results.filter((result) => result.failure);
  if (failed.length === 0 && !values.only) context.state.finishAll(hashText(pinsText));
  const quiet = results.filter((result) => !result.failure && !result.did);
  if (quiet.length > 0) say(quiet.map(({ line, weak }) => `${line} ${weak ? '!' : '✓'}`).join('   '));
  if (values.json) console.log(JSON.stringify({ ok: failed.length === 0, root, steps: results }));
  return failed.length === 0 ? 0 : 1;
}

/** One lane's steps in order; the first failure ends the lane, not its neighbours. */
async function walk(steps, context) {
  const results = [];
  for (const [step, perform] of steps) {
    const started = performance.now();
    const seconds = () => Math.round((performance.now() - started) / 100) / 10;
    try {
      const { line, did, weak = false } = await perform(context);
      results.push({ step, line, did, weak, seconds: seconds(), failure: null });
      if (did) say(`${line} ${weak ? '!' : '✓'} ${Math.max(1, Math.round(seconds()))} s`);
    } catch (error) {
      const known = error instanceof SetupFailure ? error : new SetupFailure(error.message, 'this is a fault of set-up itself: please report it with the log', null);
      results.push({ step, line: step, did: true, weak: false, seconds: seconds(), failure: { what: known.message, remedy: known.remedy, log: known.log } });
      say(`${step} ✗ ${known.message}. ${known.remedy}.${known.log ? ` log: ${relative(context.root, known.log)}` : ''}`);
      return results;
    }
  }
  return results;
}
