import { join } from 'node:path';
import { read } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { isAtLeast } from './version.mjs';

const PROBE = `
import importlib.metadata as m, importlib.util as u, json, platform, sys
def version(name):
    try: return m.version(name)
    except m.PackageNotFoundError: return None
print(json.dumps(dict(executable=sys.executable, prefix=sys.prefix, basePrefix=sys.base_prefix, version=platform.python_version(),
    ensurepip=u.find_spec("ensurepip") is not None, pip=u.find_spec("pip") is not None, torch=version("torch"), numpy=version("numpy"))))
`;

/** The remedies for a missing or unfit Python, the nearest first. */
export function pythonRemedy(first) {
  return `${first}, or set BRIGADE_PYTHON to another Python; then run npm run setup`;
}

/**
 * The Python to build on: $BRIGADE_PYTHON alone if it is set, else the active environment, else the first on PATH that is new enough;
 * one that already has PyTorch goes before one that has not.
 */
export async function findPython(pins, env) {
  if (env.BRIGADE_PYTHON) {
    const python = await probe(env.BRIGADE_PYTHON);
    if (!python) throw new SetupFailure(`BRIGADE_PYTHON=${env.BRIGADE_PYTHON} is not a Python that runs`, pythonRemedy('name an interpreter, not a folder'));
    if (!isAtLeast(python.version, pins.python)) throw new SetupFailure(`BRIGADE_PYTHON=${env.BRIGADE_PYTHON} is Python ${python.version}; ${pins.python} or newer is needed`, pythonRemedy('unset it'));
    return python;
  }
  const active = [env.VIRTUAL_ENV, env.CONDA_PREFIX].filter(Boolean).map((prefix) => join(prefix, 'bin', 'python'));
  const found = [];
  for (const command of [...active, 'python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']) {
    const python = await probe(command);
    if (!python) continue;
    found.push(python);
    if (isAtLeast(python.version, pins.python) && (found.length > active.length || isAtLeast(python.torch, pins.torchFloor))) break;
  }
  const fit = found.filter((python) => isAtLeast(python.version, pins.python));
  const chosen = fit.find((python) => isAtLeast(python.torch, pins.torchFloor) && python.numpy) ?? fit[0];
  if (chosen) return chosen;
  const old = found[0] ? `only Python ${found[0].version} (${found[0].executable})` : 'no Python';
  throw new SetupFailure(`${old} on PATH; ${pins.python} or newer is needed`, pythonRemedy(`install Python ≥ ${pins.python} (Debian, Ubuntu: apt install python3 python3-venv)`));
}

/** The pip command of an environment, which Debian's Python may have to lend. */
export function pip(environment, base) {
  const python = join(environment, 'bin', 'python');
  return base.ensurepip ? [python, '-m', 'pip'] : [base.executable, '-m', 'pip', '--python', python];
}

/** Isolated, because what only lies in a home folder cannot be seen from the sandbox. */
async function probe(command) {
  const printed = await read([command, '-I', '-c', PROBE]);
  const line = printed?.split('\n').find((text) => text.startsWith('{'));
  return line ? JSON.parse(line) : null;
}
