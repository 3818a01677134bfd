import { existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, statfsSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { read } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { findPython, pip, pythonRemedy } from './python-found.mjs';
import { installTorch } from './torch.mjs';
import { isAtLeast } from './version.mjs';

/** Gives the project a Python with PyTorch at .brigade/python: the user's own where it has one, else an environment with the pinned versions. */
export async function preparePython(context) {
  const { root, pins, again, state } = context;
  const key = JSON.stringify([pins.torch, pins.torchFloor, pins.numpy, process.env.BRIGADE_PYTHON ?? null]);
  const before = state.mark('python');
  if (!again && before?.key === key && existsSync(before.path)) return { line: describe(before), did: false };

  const base = await findPython(pins, process.env);
  state.begin('python');
  const isTheirs = isAtLeast(base.torch, pins.torchFloor);
  if (isTheirs && !base.numpy) throw new SetupFailure(`${base.executable} has PyTorch ${base.torch} but no NumPy`, 'install numpy there, or set BRIGADE_PYTHON to a Python without PyTorch to get an environment of Brigade\'s own');
  const environment = isTheirs ? await adopt(context, base) : await create(context, base, 'python');
  if (!isTheirs) await installTorch(context, base, environment);

  context.doing('python: first import of torch');
  const path = join(root, '.brigade', 'python', 'bin', 'python');
  const seen = await read([join(environment, 'bin', 'python'), '-I', '-c', 'import json, platform, torch, numpy; print(json.dumps([platform.python_version(), torch.__version__, numpy.__version__, "cuda" if torch.cuda.is_available() else "cpu"]))'], { timeoutMs: 180_000 });
  if (!seen) throw new SetupFailure(`torch does not import in ${environment}`, `try it: ${environment}/bin/python -c "import torch, numpy"`, context.log('python'));
  const [version, torch, numpy, device] = JSON.parse(seen.split('\n').find((line) => line.startsWith('[')));
  point(root, 'python', environment);
  const mark = { key, path, version, torch, numpy, device, own: !isTheirs };
  state.finish('python', mark);
  return { line: describe(mark), did: true };
}

/** The Python NATS client, in an environment of its own: only the tests use it. */
export async function prepareTestPython(context) {
  const { root, pins, again, state } = context;
  const key = JSON.stringify([pins.natsPy, pins.nkeys]);
  const before = state.mark('testPython');
  if (!again && before?.key === key && existsSync(before.path)) return { line: `nats-py ${pins.natsPy}`, did: false };
  const base = await findPython(pins, process.env);
  state.begin('testPython');
  const environment = await create(context, base, 'test-python');
  const problem = await context.run('test-python', [...pip(environment, base), 'install', '--retries', '2', '--no-compile', `nats-py[nkeys]==${pins.natsPy}`, `nkeys==${pins.nkeys}`], 5 * 60_000);
  if (problem) throw new SetupFailure(`pip install nats-py: ${problem}`, 'is the Python package index reachable? Then run npm test again', context.log('test-python'));
  point(root, 'test-python', environment);
  state.finish('testPython', { key, path: join(root, '.brigade', 'test-python', 'bin', 'python') });
  return { line: `nats-py ${pins.natsPy} for the tests`, did: true };
}

/** An environment that is not finished has a name nothing points to, and is removed by the next set-up. */
async function create(context, base, name, options = []) {
  const { root } = context;
  const folder = join(root, '.brigade', 'envs');
  mkdirSync(folder, { recursive: true });
  clear(root, name);
  const environment = join(folder, `${name}-${Date.now().toString(36)}`);
  if (!base.ensurepip && !base.pip && !options.includes('--without-pip')) throw new SetupFailure(`${base.executable} has neither pip nor venv`, pythonRemedy('install python3-venv (Debian, Ubuntu)'));
  const bare = base.ensurepip ? [] : ['--without-pip'];
  const { bavail, bsize } = statfsSync(folder);
  if (name === 'python' && bavail * bsize < 1.5e9) throw new SetupFailure(`${(bavail * bsize / 1e9).toFixed(1)} GB free at ${folder}, PyTorch needs 1.5`, 'free some disk space, or set BRIGADE_PYTHON to a Python that has PyTorch');
  const problem = await context.run(name, [base.executable, '-m', 'venv', ...bare, ...options, environment], 3 * 60_000);
  if (problem) throw new SetupFailure(`${base.executable} -m venv: ${problem}`, pythonRemedy('install python3-venv (Debian, Ubuntu)'), context.log(name));
  return environment;
}

/** A user's own environment is linked to; a system Python is seen through an empty environment, because it may lack `bin/python`. */
async function adopt(context, base) {
  if (base.prefix !== base.basePrefix && existsSync(join(base.prefix, 'bin', 'python'))) return base.prefix;
  return create(context, base, 'python', ['--system-site-packages', '--without-pip']);
}

/** Points .brigade/<name> at an environment in one step. */
function point(root, name, environment) {
  const folder = join(root, '.brigade');
  const [link, draft] = [join(folder, name), join(folder, `${name}.${process.pid}`)];
  rmSync(draft, { force: true });
  const inside = relative(folder, environment);
  symlinkSync(inside.startsWith('..') ? environment : inside, draft);
  try {
    renameSync(draft, link);
  } catch {
    rmSync(link, { recursive: true, force: true });
    renameSync(draft, link);
  }
  clear(root, name);
}

function clear(root, name) {
  const folder = join(root, '.brigade', 'envs');
  if (!existsSync(folder)) return;
  let current = null;
  try { current = readlinkSync(join(root, '.brigade', name)); } catch { /* not a link yet */ }
  for (const entry of readdirSync(folder)) {
    if (entry.replace(/-[^-]*$/, '') === name && !current?.endsWith(`/${entry}`)) rmSync(join(folder, entry), { recursive: true, force: true });
  }
}

const describe = ({ version, torch, device, own }) => `python ${version.split('.').slice(0, 2).join('.')}, torch ${torch.split('+')[0]} ${device}${own ? '' : ' (yours)'}`;
