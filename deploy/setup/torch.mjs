import { readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SetupFailure } from './failure.mjs';
import { pip } from './python-found.mjs';

const CPU_DOWNLOAD = 'about 200 MB to download';
const CUDA_DOWNLOAD = 'about 3 GB to download, 7 GB on disk';
const CUDA_DISK_BYTES = 9e9;

/** Installs the pinned PyTorch and NumPy: the CPU build where pip can find one, and never the CUDA build without saying so first. */
export async function installTorch(context, base, environment) {
  const { pins } = context;
  const numpy = `numpy==${base.version.startsWith('3.10.') ? pins.numpy['3.10'] : pins.numpy.newer}`;
  const install = [...pip(environment, base), 'install', '--retries', '2', '--prefer-binary'];
  const attempt = (torch, ...options) => context.run('python', [...install, ...options, torch, numpy], 40 * 60_000);
  if (process.platform === 'linux') {
    context.doing(`python ${base.version}: installing torch ${pins.torch} cpu, ${CPU_DOWNLOAD} unless pip has it`);
    if (!await attempt(`torch==${pins.torch}+cpu`)) return;
    const report = join(context.root, '.brigade', 'logs', 'torch.json');
    const unknown = await attempt(`torch==${pins.torch}`, '--dry-run', '--report', report);
    if (unknown || bringsCuda(report)) await warnOfSize(context);
  } else {
    context.doing(`python ${base.version}: installing torch ${pins.torch}, ${CPU_DOWNLOAD}`);
  }
  const problem = await attempt(`torch==${pins.torch}`);
  if (problem) throw new SetupFailure(`pip install torch ${pins.torch}: ${problem}`, 'is the Python package index reachable? Or set BRIGADE_PYTHON to a Python that has PyTorch', context.log('python'));
}

async function warnOfSize(context) {
  const { bavail, bsize } = statfsSync(join(context.root, '.brigade'));
  const remedy = 'point pip at PyTorch\'s index of CPU wheels (PIP_EXTRA_INDEX_URL, or PIP_FIND_LINKS for a folder), or set BRIGADE_PYTHON to a Python that has PyTorch';
  if (bavail * bsize < CUDA_DISK_BYTES) throw new SetupFailure(`pip finds no CPU build of PyTorch, and ${(bavail * bsize / 1e9).toFixed(0)} GB of disk do not hold the CUDA build`, remedy, context.log('python'));
  context.doing(`pip finds no CPU build of PyTorch: installing the CUDA build, ${CUDA_DOWNLOAD}. For the small one, Ctrl-C and ${remedy}`);
  if (process.stdin.isTTY) await wait(10_000);
}

function bringsCuda(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8')).install.some(({ metadata }) => /^(nvidia-|triton|cuda)/.test(metadata.name));
  } catch {
    return true;
  } finally {
    rmSync(report, { force: true });
  }
}
