import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SetupFailure } from './failure.mjs';
import { pip } from './python-found.mjs';

const CPU_DOWNLOAD = 'about 200 MB to download';
const CUDA_DOWNLOAD = 'up to 3 GB to download, 7 GB on disk';
const CUDA_DISK_BYTES = 9e9;

/** Installs the pinned PyTorch and NumPy: the CPU build where pip can find one, and never the CUDA build without saying so first. */
export async function installTorch(context, base, environment) {
  const { pins } = context;
  const numpy = `numpy==${base.version.startsWith('3.10.') ? pins.numpy['3.10'] : pins.numpy.newer}`;
  const install = [...pip(environment, base), 'install', '--retries', '2', '--prefer-binary'];
  const attempt = (torch) => context.run('python', [...install, torch, numpy], 40 * 60_000);
  if (process.platform === 'linux') {
    context.doing(`python ${base.version}: installing torch ${pins.torch} cpu, ${CPU_DOWNLOAD} unless pip has it`);
    if (!await attempt(`torch==${pins.torch}+cpu`)) return;
    await warnOfSize(context); // asking pip what it would bring makes some of its versions download it first
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
  context.doing(`pip finds no CPU build of PyTorch: installing the general one, which may bring CUDA, ${CUDA_DOWNLOAD}. For the small one, Ctrl-C and ${remedy}`);
  if (process.stdin.isTTY) await wait(10_000);
}
