import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const run = promisify(execFile);
const folder = join(import.meta.dirname, '..', '..', 'evaluators', 'airbench-mini');
const prepare = (outdir: string) => run(process.execPath, [join(folder, 'prepare.mjs'), outdir]);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const SETS = ['train', 'search', 'confirm', 'final'];

test('the digits are made from the package to the byte, again after being damaged, dealt alike, and shared by no two sets', async () => {
  const out = await mkdtemp(join(tmpdir(), 'brigade-digits-'));
  try {
    expect((await prepare(out)).stdout).toContain('search-labels 667 bytes');
    const pinned = parse(await readFile(join(folder, 'evaluator.yaml'), 'utf8')).checksums as Record<string, string>;
    for (const [name, sum] of Object.entries(pinned)) expect([name, sha256(await readFile(join(out, `${name}.bin`)))]).toEqual([name, sum]);
    expect(Object.keys(pinned).sort()).toEqual(SETS.flatMap((name) => [`${name}-images`, `${name}-labels`]).sort());

    const sets = await Promise.all(SETS.map(async (name) => {
      const [images, labels] = await Promise.all(['images', 'labels'].map((kind) => readFile(join(out, `${name}-${kind}.bin`))));
      if (!images || !labels) throw new Error(name);
      return { labels, images: Array.from({ length: labels.length }, (_, k) => sha256(images.subarray(k * 784, (k + 1) * 784))) };
    }));
    expect(sets.map(({ labels }) => labels.length)).toEqual([7999, 667, 667, 667]);
    const [train, ...heldOut] = sets;
    expect(heldOut.flatMap(({ images }) => images).filter((image) => train?.images.includes(image))).toEqual([]);
    expect(new Set(sets.flatMap(({ images }) => images)).size).toBe(10_000);
    for (const { labels } of sets) for (let digit = 0; digit < 10; digit++) expect(Math.abs(labels.filter((label) => label === digit).length / labels.length - 0.1)).toBeLessThan(0.025);
    expect(new Set(train?.labels.subarray(0, 50)).size).toBe(10); // in an order without meaning

    await writeFile(join(out, 'confirm-images.bin'), 'half a fil');
    await prepare(out);
    expect(sha256(await readFile(join(out, 'confirm-images.bin')))).toBe(pinned['confirm-images']);
    expect((await prepare(out)).stdout).toContain('already');
    expect((await readdir(out)).filter((name) => name.includes('partial'))).toEqual([]);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}, 120_000);
