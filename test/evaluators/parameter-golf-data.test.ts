import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

// How parameter-golf's set-up goes from one start to another: its own prepare.mjs, with an interpreter that copies instead of counting tokens.

const project = join(import.meta.dirname, '..', '..');
const COPIES = `#!/bin/sh
[ "$2" = -c ] && exit 0
for made in train.shard train.fineweb_val_000000.bin evaluation.fineweb_val_000000.bin tokenizer.vocabulary held-out.account.json; do cp "$5" "$3/$made"; done
`;
let root = '';
let checkout = '';

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'brigade-golf-data-'));
  for (const part of ['evaluators/parameter-golf', 'deploy/setup']) cpSync(join(project, part), join(root, part), { recursive: true });
  mkdirSync(join(root, 'environment/bin'), { recursive: true });
  writeFileSync(join(root, 'environment/bin/python'), COPIES);
  chmodSync(join(root, 'environment/bin/python'), 0o755);
  checkout = join(root, 'checkout');
  mkdirSync(checkout);
  writeFileSync(join(checkout, 'train_gpt.py'), '');
  execFileSync('git', ['init', '-q', checkout]);
  execFileSync('git', ['-C', checkout, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-q', '--allow-empty', '-m', 'stand-in']);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Shards that say which vocabulary they are of. */
function shardsOf(vocabulary: string): string {
  const folder = join(root, vocabulary);
  mkdirSync(folder, { recursive: true });
  for (const name of ['fineweb_train_000000.bin', 'fineweb_train_000001.bin', 'fineweb_val_000000.bin', `${vocabulary}.model`]) writeFileSync(join(folder, name), `${vocabulary} ${name}`);
  return folder;
}
const prepare = (out: string, ...args: string[]): string => spawnSync(process.execPath, [join(root, 'evaluators/parameter-golf/prepare.mjs'), out, '--checkout', checkout, '--python', join(root, 'environment/bin/python'), ...args], { encoding: 'utf8' }).stderr;
const CLAIMS = ['--variant', 'sp8192', '--score', 'claims', '--set=TTT_ENABLED=1'];

test('another start makes all data anew, training shards and held-out text too, so that none stand beside a tokenizer that is not theirs', () => {
  const [out, one, other] = [join(root, 'data'), shardsOf('sp1024'), shardsOf('sp8192')];
  const held = (path: string): string => readFileSync(join(out, path), 'utf8');
  prepare(out, '--from', one);
  expect(held('train/fineweb_train_000000.bin')).toMatch(/^sp1024/);
  prepare(out, '--from', other, ...CLAIMS);
  for (const path of ['train/fineweb_train_000000.bin', 'train/fineweb_train_000001.bin', 'evaluation/fineweb_val_000000.bin', 'tokenizer/sp8192.model', 'held-out/account.json']) expect(held(path), path).toMatch(/^sp8192/);
});

test('what is whole is not made twice: after a kill between two sets the rest is made, and data that are there are not taken for those that are given', () => {
  const [out, folder] = [join(root, 'again'), shardsOf('sp8192')];
  prepare(out, '--from', folder, ...CLAIMS);
  rmSync(join(out, 'tokenizer.manifest.json'));
  expect(prepare(out, '--from', folder, ...CLAIMS)).toContain('train is there already');
  expect(prepare(out, '--from', shardsOf('sp1024'), ...CLAIMS)).toBe(`parameter-golf: data already in ${out}; to take those of ${join(root, 'sp1024')} instead, remove that folder first\n`);
});
