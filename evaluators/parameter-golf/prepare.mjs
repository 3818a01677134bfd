// Makes parameter-golf's data: node evaluators/parameter-golf/prepare.mjs <outdir> --checkout PATH [--from DATA] [--python PATH] [--variant sp1024] [--shards 80]
//   [--score evaluator|claims] [--set=NAME=value …]
//
// DATA is a folder with fineweb_train_*.bin, fineweb_val_*.bin and one tokenizer *.model anywhere below it; without it upstream's own script
// downloads them into the checkout. prepare.py deals the validation text and makes the decoy.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bring, commitOf, ensureEnvironment, isWhole, makeSet, prepareOrRefuse, readArguments, Refused, run, runOnline, say, sayMade } from '../../deploy/setup/dataset.mjs';

const NAME = 'parameter-golf';
const SETS = ['train', 'tokenizer', 'evaluation', 'held-out'];
const SHARD_GB = 0.2;

prepareOrRefuse(() => {
  const given = readArguments(NAME, { variant: { type: 'string', default: 'sp1024' }, shards: { type: 'string', default: '80' }, score: { type: 'string', default: 'evaluator' }, set: { type: 'string', multiple: true, default: [] } });
  if (given === null) return;
  const { outdir, checkout, from, variant, shards, score } = given;
  if (!['evaluator', 'claims'].includes(score)) throw new Refused(`--score ${score}: evaluator sums it outside; claims takes the script's own word, for one whose evaluation adapts to what it has scored`);
  const set = Object.fromEntries(given.set.map((word) => { const at = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(word); if (!at) throw new Refused(`--set=${word}: give NAME=value`); return [at[1], at[2]]; }));
  const declared = JSON.stringify({ score, set });
  if (!existsSync(join(checkout, 'train_gpt.py'))) throw new Refused(`${checkout} has no train_gpt.py: it is no checkout of parameter-golf`);
  commitOf(checkout);
  const asked = JSON.stringify({ score, set, variant });
  const note = join(outdir, 'asked.json');
  if (!existsSync(note) || readFileSync(note, 'utf8') !== asked) { // shards of one vocabulary beside a tokenizer of another would train, and mean nothing: all is made anew
    for (const one of SETS) rmSync(join(outdir, `${one}.manifest.json`), { force: true });
    writeFileSync(note, asked);
  }
  const python = ensureEnvironment({ root: join(import.meta.dirname, '..', '..'), evaluator: NAME, python: given.python, needs: ['torch', 'numpy', 'sentencepiece'], requirements: ['-r', join(checkout, 'requirements.txt')], disk: '8 GB' });
  if (SETS.every((one) => isWhole(outdir, one))) { sayMade(NAME, outdir, from); return; }
  const source = from ?? download(python, checkout, { variant, shards: Number(shards), log: join(outdir, 'download.log') });
  const isWanted = (path) => from !== null || path.includes(`fineweb10B_${variant}/`) || path.includes(`_${variant.replace(/^sp/, '')}_`); // a checkout may hold several variants
  const found = readdirSync(source, { recursive: true }).map(String).sort().filter(isWanted);
  const [train, validation, tokenizers] = [/(^|\/)fineweb_train_\d+\.bin$/, /(^|\/)fineweb_val_\d+\.bin$/, /\.model$/].map((wanted) => found.filter((path) => wanted.test(path)));
  if (train.length < 1 || validation.length < 1 || tokenizers.length !== 1) throw new Refused(`${source} holds ${train.length} train shards, ${validation.length} validation shards and ${tokenizers.length} tokenizer models: at least one of each shard and exactly one model are needed`);
  say(`${NAME}: ${train.length} train shards; ${(train.length * SHARD_GB).toFixed(1)} GB more where they cannot be linked, and a minute for each 10 GB to hash`);
  const work = join(outdir, 'work');
  rmSync(work, { recursive: true, force: true });
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
    writeFileSync(join(folder, 'declared.json'), declared);
  });
  makeSet(outdir, 'evaluation', (folder) => { // a claim is made on the validation text itself; otherwise nothing of it is there
    for (const [path, name] of made('evaluation')) if (score === 'evaluator' || !name.includes('_val_')) bring(path, join(folder, name));
    if (score === 'claims') for (const path of paths(validation)) bring(path, join(folder, basename(path)));
  });
  makeSet(outdir, 'held-out', (folder) => { for (const [path, name] of made('held-out')) bring(path, join(folder, name)); });
  rmSync(work, { recursive: true });
});

/** Upstream's own script, into its own checkout, where git ignores it. */
function download(python, checkout, { variant, shards, log }) {
  say(`${NAME}: downloading ${shards} shards of ${variant}, ${(shards * SHARD_GB).toFixed(1)} GB, by upstream's own script; at 100 MB/s ${Math.ceil(shards * SHARD_GB / 6)} min; how far it is: ${log} …`);
  runOnline([python, join(checkout, 'data', 'cached_challenge_fineweb.py'), '--variant', variant, '--train-shards', String(shards)], { cwd: checkout, log, remedy: 'give a folder with the shards and the tokenizer (--data of brigade surfaces setup, --from here)' });
  return join(checkout, 'data');
}
