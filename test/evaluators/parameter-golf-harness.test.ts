import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

// What parameter-golf's harness does around a script, with other words in the place of the script and its environment.

const evaluator = join(import.meta.dirname, '../../evaluators/parameter-golf');
let folder = '';
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'brigade-golf-harness-')); });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs some Python with the harness as `harness`, in which `script` stands for what would be started. */
const within = (script: string, program: string): string => execFileSync('python3', ['-I', '-c', `
import os, subprocess, sys
sys.dont_write_bytecode = True
for name in ('EVAL', 'RECIPE', 'DATA', 'WORK'): os.environ['BRIGADE_' + name] = ${JSON.stringify(folder)}
os.environ['BRIGADE_CONTROL'] = ${JSON.stringify(join(folder, 'control'))}
os.chdir(${JSON.stringify(folder)})
sys.path.insert(0, ${JSON.stringify(evaluator)})
import harness
harness.environment = lambda phase: {}
harness.command = lambda *_: [sys.executable, '-I', '-c', ${JSON.stringify(script)}]
${program}`], { encoding: 'utf8' });

test('the clock of a phase that trains was started before the script began', () => {
  writeFileSync(join(folder, 'control'), '');
  expect(within(`print(open(${JSON.stringify(join(folder, 'control'))}).read())`, "try:\n    harness.run_upstream('train', True)\nexcept SystemExit as end:\n    print(end.code)")).toBe('R\n0\n');
});

test('a record after a line that is too long to be carried outside is still a line of its own', () => {
  expect(within("print('x' * 5000); print('quantized_ttt val_loss:2.8 val_bpb:1.0810 eval_time:9ms')", `
os.dup2(os.open('carried', os.O_RDWR | os.O_CREAT), 3)
try:
    harness.claim(True)
except SystemExit:
    pass
import claims
print(claims.last_record([(0.0, line) for line in open('carried').read().split('\\n')]))`).trim().split('\n').at(-1)).toBe("{'loss': 2.8, 'bpb': 1.081, 'eval_ms': 9.0}");
});
