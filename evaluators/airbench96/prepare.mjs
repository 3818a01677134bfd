// Makes airbench96's data: node evaluators/airbench96/prepare.mjs <outdir> --checkout PATH [--from DATA] [--python PATH]
//
// DATA is a folder with train.pt and test.pt as upstream's loader caches them, or with torchvision's cifar-10-batches-py; without it torchvision downloads 170 MB.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bring, commitOf, ensureEnvironment, isWhole, makeSet, prepareOrRefuse, readArguments, Refused, run, runOnline, say, sayMade } from '../../deploy/setup/dataset.mjs';

const NAME = 'airbench96';
const SETS = ['train', 'held-out'];

prepareOrRefuse(() => {
  const given = readArguments(NAME);
  if (given === null) return;
  const { outdir, checkout, from } = given;
  if (!existsSync(join(checkout, 'airbench96_faster.py'))) throw new Refused(`${checkout} has no airbench96_faster.py: it is no checkout of cifar10-airbench`);
  commitOf(checkout);
  const python = ensureEnvironment({ root: join(import.meta.dirname, '..', '..'), evaluator: NAME, python: given.python, needs: ['torch', 'torchvision', 'numpy'], requirements: ['torch', 'torchvision', 'numpy'], disk: '8 GB' });
  if (SETS.every((set) => isWhole(outdir, set))) { sayMade(NAME, outdir, from); return; }
  const work = join(outdir, 'work');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  if (from === null) say(`${NAME}: CIFAR-10 by torchvision, 170 MB to download, 0.5 GB on disk …`);
  const program = [python, '-I', join(import.meta.dirname, 'prepare.py'), work];
  if (from !== null) run([...program, from]);
  else runOnline([...program, join(outdir, '..', '..', 'downloads', NAME)], { log: join(outdir, 'download.log'), remedy: 'give a folder with the images (--data of brigade surfaces setup, --from here)' });
  const made = (kind) => readdirSync(work).filter((name) => name.startsWith(`${kind}.`)).map((name) => [join(work, name), name.slice(kind.length + 1)]);
  for (const set of SETS) makeSet(outdir, set, (folder) => { for (const [path, name] of made(set)) bring(path, join(folder, name)); });
  rmSync(work, { recursive: true });
});
