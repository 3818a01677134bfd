import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const run = promisify(execFile);
const folder = join(import.meta.dirname, '..', '..', 'evaluators', 'golf-mini');
const prepare = (outdir: string) => run(process.execPath, [join(folder, 'prepare.mjs'), outdir]);
const blocksOf = (bytes: Buffer): string[] => Array.from({ length: bytes.length / 1024 }, (_, k) => bytes.subarray(k * 1024, (k + 1) * 1024).toString('latin1'));

test('the data are made from the package to the byte, again after being damaged, and share no text', async () => {
  const out = await mkdtemp(join(tmpdir(), 'brigade-data-'));
  try {
    expect((await prepare(out)).stdout).toContain('train 10150432 bytes');
    const pinned = parse(await readFile(join(folder, 'evaluator.yaml'), 'utf8')).checksums as Record<string, string>;
    for (const [name, sum] of Object.entries(pinned)) expect([name, createHash('sha256').update(await readFile(join(out, `${name}.bin`))).digest('hex')]).toEqual([name, sum]);

    const sets = await Promise.all(['search', 'confirm', 'final'].map(async (name) => blocksOf(await readFile(join(out, `${name}.bin`)))));
    expect(sets.map((blocks) => blocks.length)).toEqual([196, 196, 196]);
    expect(new Set(sets.flat()).size).toBe(3 * 196);
    const train = await readFile(join(out, 'train.bin'));
    expect(sets.flat().filter((block, k) => k % 7 === 0 && train.includes(block.slice(0, 200), 0, 'latin1'))).toEqual([]);
    expect(train.some((byte) => byte > 127)).toBe(false);
    expect(train.filter((byte) => byte === 0)).toHaveLength(233 - 13);

    await writeFile(join(out, 'confirm.bin'), 'half a fil');
    await prepare(out);
    expect(createHash('sha256').update(await readFile(join(out, 'confirm.bin'))).digest('hex')).toBe(pinned['confirm']);
    expect((await prepare(out)).stdout).toContain('already');
    expect((await readdir(out)).filter((name) => name.includes('partial'))).toEqual([]);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}, 240_000);
