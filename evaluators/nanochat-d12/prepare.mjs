// Makes nanochat-d12's data: node evaluators/nanochat-d12/prepare.mjs <outdir> --checkout PATH [--from DATA] [--python PATH] [--shards 40] [--rows 3072] [--width 2048]
//
// DATA is a NANOCHAT_BASE_DIR with base_data_climbmix/, tokenizer/ and eval_bundle/; without it upstream's own scripts make one. prepare.py renders the questions.
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bring, commitOf, ensureEnvironment, isWhole, makeSet, prepareOrRefuse, readArguments, Refused, run, runOnline, say, sayMade, trackedFiles } from '../../deploy/setup/dataset.mjs';

const NAME = 'nanochat-d12';
const SETS = ['train', 'tokenizer', 'pristine', 'held-out'];
const PACKAGES = ['torch', 'numpy', 'pyarrow', 'rustbpe', 'tiktoken', 'wandb', 'filelock', 'jinja2', 'pyyaml', 'requests', 'kernels', 'tabulate', 'psutil', 'regex'];
const BUNDLE = 'from nanochat.common import download_file_with_lock as fetch; from scripts.base_eval import EVAL_BUNDLE_URL, place_eval_bundle; fetch(EVAL_BUNDLE_URL, "eval_bundle.zip", postprocess_fn=place_eval_bundle)';

prepareOrRefuse(() => {
  const number = (value) => ({ type: 'string', default: value });
  const given = readArguments(NAME, { shards: number('40'), rows: number('3072'), width: number('2048') });
  if (given === null) return;
  const { outdir, checkout, from } = given;
  if (!existsSync(join(checkout, 'nanochat', 'core_eval.py'))) throw new Refused(`${checkout} has no nanochat/core_eval.py: it is no checkout of nanochat`);
  commitOf(checkout);
  const python = ensureEnvironment({ root: join(import.meta.dirname, '..', '..'), evaluator: NAME, python: given.python, needs: ['torch', 'numpy', 'pyarrow', 'tiktoken', 'rustbpe', 'jinja2', 'yaml'], requirements: PACKAGES, disk: '9 GB' });
  if (SETS.every((set) => isWhole(outdir, set))) { sayMade(NAME, outdir, from); return; }
  const source = from ?? fetch(python, checkout, join(outdir, '..', '..', 'downloads', NAME), Number(given.shards));
  const shardsAt = join(source, 'base_data_climbmix');
  for (const part of ['base_data_climbmix', 'tokenizer', 'eval_bundle']) if (!existsSync(join(source, part))) throw new Refused(`${source} has no ${part}/: it is no NANOCHAT_BASE_DIR with shards, a tokenizer and the evaluation bundle`);
  const shards = readdirSync(shardsAt).filter((name) => name.endsWith('.parquet')).sort();
  if (shards.length < 2) throw new Refused(`${shardsAt} holds ${shards.length} shards: one to train on and the last, for validation, are the least`);
  makeSet(outdir, 'train', (folder) => {
    const [validation, last] = [shards.at(-1), shards.at(-2)];
    for (const name of shards.slice(0, shards.length > 2 ? -2 : -1)) bring(join(shardsAt, name), join(folder, name));
    bring(join(shardsAt, last), join(folder, validation)); // the decoy: under the validation shard's name, training text that is not trained on where there is enough
  });
  makeSet(outdir, 'tokenizer', (folder) => { for (const name of readdirSync(join(source, 'tokenizer'))) bring(join(source, 'tokenizer', name), join(folder, name)); });
  makeSet(outdir, 'pristine', (folder) => {
    for (const part of ['nanochat', 'scripts']) {
      mkdirSync(join(folder, part));
      for (const path of trackedFiles(checkout, [part]).filter((file) => /^[^/]+\/[^/]+\.py$/.test(file))) bring(join(checkout, path), join(folder, path));
    }
  });
  makeSet(outdir, 'held-out', (folder) => run([python, '-I', join(import.meta.dirname, 'prepare.py'), folder, checkout, source, given.rows, given.width]));
});

/** Upstream's own scripts, into a base folder of ours. */
function fetch(python, checkout, base, shards) {
  mkdirSync(base, { recursive: true });
  const options = { log: join(base, 'download.log'), remedy: 'give a NANOCHAT_BASE_DIR that has all of it (--data of brigade surfaces setup, --from here)', cwd: checkout, env: { ...process.env, NANOCHAT_BASE_DIR: base, OMP_NUM_THREADS: '1' } };
  say(`${NAME}: ${shards} shards of 0.1 GB and the evaluation bundle of 0.2 GB by upstream's own scripts, ${(shards * 0.1 + 1).toFixed(0)} GB on disk; then its tokenizer is trained, some minutes; how far it is: ${options.log} …`);
  runOnline([python, '-m', 'nanochat.dataset', '-n', String(shards)], options);
  if (!existsSync(join(base, 'tokenizer', 'token_bytes.pt'))) runOnline([python, '-m', 'scripts.tok_train'], options);
  runOnline([python, '-c', BUNDLE], options);
  return base;
}
