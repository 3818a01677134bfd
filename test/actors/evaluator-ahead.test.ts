import { readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openAhead } from '../../src/actors/evaluator/ahead.ts';
import { canonicalRecipe, type Recipe } from '../../src/domain/recipe.ts';
import type { Bench } from '../../src/ports.ts';
import { PrepareRecipe } from '../../src/protocols/measurement.ts';
import { edit, rig, type Rig } from './evaluator-rig.ts';

// Recipes that lie ready before their lease comes.

/** Benches by name that count what becomes of them. */
function stock(most: number) {
  const laid: string[] = [];
  const gone: string[] = [];
  const spoilt = new Set<string>();
  const layOut = async (name: string): Promise<Bench | null> => {
    if (name === 'none') return null;
    if (name === 'fails') throw new Error('the store is away');
    laid.push(name);
    return { recipe: name, recipeBytes: 0, changed: async () => (spoilt.has(name) ? 'model.py' : null), [Symbol.asyncDispose]: async () => { gone.push(name); } } as unknown as Bench;
  };
  return { laid, gone, spoilt, ahead: openAhead(layOut, most) };
}

describe('what lies ready', () => {
  test('is taken once, and what was not foretold is not there', async () => {
    const { ahead, laid, gone } = stock(2);
    ahead.expect('a');
    ahead.expect('a');
    expect([(await ahead.take('a'))?.recipe, await ahead.take('a'), await ahead.take('b')]).toEqual(['a', null, null]);
    expect([laid, gone]).toEqual([['a'], []]);
  });

  test('makes room for newer guesses, the oldest first, and leaves nothing at the end', async () => {
    const { ahead, laid, gone } = stock(2);
    for (const name of ['a', 'b', 'a', 'c']) ahead.expect(name);
    expect((await ahead.take('c'))?.recipe).toBe('c');
    await ahead[Symbol.asyncDispose]();
    expect([laid, gone]).toEqual([['a', 'b', 'c'], ['b', 'a']]);
  });

  test('that was changed meanwhile is thrown away, and so is a guess that came to nothing', async () => {
    const { ahead, spoilt, gone } = stock(3);
    for (const name of ['a', 'none', 'fails']) ahead.expect(name);
    spoilt.add('a');
    expect(await Promise.all(['a', 'none', 'fails'].map((name) => ahead.take(name)))).toEqual([null, null, null]);
    await ahead[Symbol.asyncDispose]();
    expect(gone).toEqual(['a']);
  });
});

/** What a node fetches and lays out from now on. */
function watch(node: Rig) {
  const seen: string[] = [];
  const [stage, get] = [node.workbench.stage.bind(node.workbench), node.ports.blobs.get.bind(node.ports.blobs)];
  node.workbench.stage = async (slot, recipe) => { const bench = await stage(slot, recipe); seen.push(`laid out ${slot}`); return bench; };
  Object.assign(node.ports.blobs, { get: (hash: string) => { seen.push('fetched'); return get(hash); } });
  return seen;
}
const snapshotOf = (node: Rig, recipe: Recipe) => node.ports.blobs.put(new TextEncoder().encode(canonicalRecipe(recipe)));
const prepare = (node: Rig, snapshot: string) => node.ports.bus.ask(PrepareRecipe, { run: 'run', node: 'atlas' }, { snapshot }, { timeoutMs: 10_000 });

test('a lease whose recipe was foretold fetches and lays out nothing, and a wrong guess costs it nothing and leaves nothing', async () => {
  await using node = await rig('tiny');
  const evaluator = await node.start();
  const seen = watch(node);
  const next = edit(node.baseline, 'optimizer.py', 'RATE = 0.02', 'RATE = 0.03');
  expect(await prepare(node, await snapshotOf(node, next))).toEqual({ kind: 'noted' });
  await expect.poll(() => seen, { timeout: 50_000 }).toEqual(['fetched', 'laid out ahead']);
  await node.lease('t0001', next);
  expect((await node.measured('t0001')).failure).toBeNull();
  expect(seen).toEqual(['fetched', 'laid out ahead']);
  await prepare(node, 'b'.repeat(64));
  await prepare(node, await snapshotOf(node, next));
  await node.lease('t0002', node.baseline);
  expect((await node.measured('t0002')).failure).toBeNull();
  await evaluator[Symbol.asyncDispose]();
  expect(await readdir(dirname(node.workbench.evaluator))).toEqual(['evaluator']);
});

test('a recipe that was laid out ahead and touched by somebody is laid out anew, and the trial is not blamed for it', async () => {
  await using node = await rig('tiny');
  await node.start();
  const seen = watch(node);
  await prepare(node, await snapshotOf(node, node.baseline));
  await expect.poll(() => seen, { timeout: 50_000 }).toEqual(['fetched', 'laid out ahead']);
  const file = join(dirname(node.workbench.evaluator), 'ahead-1', 'recipe', 'optimizer.py');
  await rm(file);
  await writeFile(file, 'STEPS = 0\n');
  await node.lease('t0001', node.baseline);
  expect(await node.measured('t0001')).toMatchObject({ failure: null });
  expect(seen).toEqual(['fetched', 'laid out ahead', 'fetched', 'laid out cpu0']);
});
