// Makes parameter-golf's data: node evaluators/parameter-golf/prepare.mjs <outdir> --checkout PATH [--from DATA] [--python PATH] [--variant sp1024] [--shards 80]
//
// DATA is a folder with fineweb_train_*.bin, fineweb_val_*.bin and one tokenizer *.model anywhere below it; without it upstream's own script
// downloads them into the checkout. prepare.py deals the validation text and makes the decoy.
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bring, commitOf, ensureEnvironment, isWhole, makeSet, prepareOrRefuse, readArguments, Refused, run, say } from '../../deploy/setup/dataset.mjs';

const NAME = 'parameter-golf';
const SETS = ['train', 'tokenizer', 'decoy', 'held-out'];
const SHARD_GB = 0.2;

prepareOrRefuse(() => {
  const given = readArguments(NAME, { variant: { type: 'string', default: 'sp1024' }, shards: { type: 'string', default: '80' } });
  if (given === null) return;
  const { outdir, checkout, from, variant, shards } = given;
  if (!existsSync(join(checkout, 'train_gpt.py'))) throw new Refused(`${checkout} has no train_gpt.py: it is no checkout of parameter-golf`);
  commitOf(checkout);
  const python = ensureEnvironment({ root: join(import.meta.dirname, '..', '..'), evaluator: NAME, python: given.python, needs: ['torch', 'numpy', 'sentencepiece'], requirements: ['-r', join(checkout, 'requirements.txt')], disk: '8 GB' });
  if (SETS.every((set) => isWhole(outdir, set))) { say(`${NAME}: data already in ${outdir}`); return; }
  const source = from ?? download(python, checkout, variant, Number(shards));
  const found = readdirSync(source, { recursive: true }).map(String).sort();
  const [train, validation, tokenizers] = [/(^|\/)fineweb_train_\d+\.bin$/, /(^|\/)fineweb_val_\d+\.bin$/, /\.model$/].map((wanted) => found.filter((path) => wanted.test(path)));
  if (train.length < 1 || validation.length < 1 || tokenizers.length !== 1) throw new Refused(`${source} holds ${train.length} train shards, ${validation.length} validation shards and ${tokenizers.length} tokenizer models: at least one of each shard and exactly one model are needed`);
  say(`${NAME}: ${train.length} train shards; ${(train.length * SHARD_GB).toFixed(1)} GB more where they cannot be linked, and a minute for each 10 GB to hash`);
  const work = join(outdir, 'work');
  mkdirSync(work, { recursive: true });
  const paths = (list) => list.map((path) => join(source, path));
  run([python, '-I', join(import.meta.dirname, 'prepare.py'), work, join(source, tokenizers[0]), paths(train).at(-1), ...paths(validation)]);
  const made = (kind) => readdirSync(work).filter((name) => name.startsWith(`${kind}.`)).map((name) => [join(work, name), name.slice(kind.length + 1)]);
  makeSet(outdir, 'train', (folder) => {
    for (const path of paths(train).slice(0, -1)) bring(path, join(folder, basename(path)));
    for (const [path, name] of made('train')) bring(path, join(folder, name === 'shard' ? basename(paths(train).at(-1)) : name));
  });
  makeSet(outdir, 'tokenizer', (folder) => {
    bring(join(source, tokenizers[0]), join(folder, basename(tokenizers[0])));
    for (const [path, name] of made('tokenizer')) bring(path, join(folder, name));
  });
  for (const set of ['decoy', 'held-out']) makeSet(outdir, set, (folder) => { for (const [path, name] of made(set)) bring(path, join(folder, name)); });
});

/** Upstream's own script, into its own checkout, where git ignores it. */
function download(python, checkout, variant, shards) {
  say(`${NAME}: downloading ${shards} shards of ${variant}, ${(shards * SHARD_GB).toFixed(1)} GB, by upstream's own script; at 100 MB/s ${Math.ceil(shards * SHARD_GB / 6)} min …`);
  run([python, join(checkout, 'data', 'cached_challenge_fineweb.py'), '--variant', variant, '--train-shards', String(shards)], { cwd: checkout });
  return join(checkout, 'data');
}
