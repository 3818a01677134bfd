import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { unfit } from '../../src/adapters/surfaces/pattern.ts';
import { python } from '../adversarial/sandboxed.ts';

// The warden compiles what an evaluator looks for in printed lines; a pattern that it cannot compile must never reach it.

/** Those of many patterns that Python cannot compile, as the warden does. */
const refusedByPython = (patterns: readonly string[]): string[] => z.array(z.string()).parse(JSON.parse(execFileSync(python, ['-I', '-W', 'ignore', '-c', `
import json, re, sys
bad = []
for pattern in json.load(sys.stdin):
    try: re.compile(pattern.encode())
    except (re.error, OverflowError): bad.append(pattern)
print(json.dumps(bad))
`], { encoding: 'utf8', input: JSON.stringify(patterns) })));

test('no pattern made of pieces of the language is accepted that Python cannot compile', () => {
  const pieces = ['a', '0', ' ', '-', '/', '\\d', '\\w', '\\b', '\\.', '\\/', '\\1', '\\2', '\\0', '\\u0041', '\\x4', '\\cA', '\\k<n>', '\\p{L}', '\\-', '\\_', '(', '(a)', '[a-z]', '[^b\\d]', '(\\d+)', '(?:', '(?<n>', '(?<=', '(?=', '(?!', ')', '[', '[^', ']', '[]', '[^]', '{', '}', '{2}', '{2,}', '{,3}', '{1,3}', '*', '+', '?', '|', '^', '$', '.', ',', '✓', '\\d-z', 'a-z', '&&'];
  let state = 7;
  const next = (below: number): number => { state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; return Math.floor((state / 2 ** 32) * below); };
  const made = Array.from({ length: 60_000 }, () => Array.from({ length: 1 + next(8) }, () => pieces[next(pieces.length)] ?? '').join(''));
  const accepted = made.filter((pattern) => unfit(pattern) === null);
  expect(accepted.length).toBeGreaterThan(2000);
  expect(accepted.filter((pattern) => pattern.includes('[')).length).toBeGreaterThan(50);
  expect(accepted.filter((pattern) => pattern.includes('\\1')).length).toBeGreaterThan(5);
  expect(refusedByPython(accepted)).toEqual([]);
});

describe('what is in use', () => {
  const evaluators = join(import.meta.dirname, '../../evaluators');
  const untils = readdirSync(evaluators).flatMap((name) => [...readFileSync(join(evaluators, name, 'evaluator.yaml'), 'utf8').matchAll(/until: ('[^']*')/g)].map((found) => z.string().parse(parse(found[1] ?? ''))));
  test('is accepted', () => {
    expect(untils.length).toBeGreaterThan(4);
    expect(untils.map(unfit).filter((reason) => reason !== null)).toEqual([]);
    expect(refusedByPython(untils)).toEqual([]);
  });
});

test.each([
  ['(?<step>\\d+)', 'has (?<step>, which the warden'], ['(?<=a)b', 'has (?<=a)b'], ['\\p{L}', 'has \\p'], ['✓ done', 'has ✓'], ['[^]', 'has [^]'], ['a{,3}', 'has {,'], ['[\\d-z]', 'has [\\d-z]'],
  ['(a\\1)', 'refers by \\1 to a group that is not closed before it'], ['(', 'is no regular expression'], ['\\u0041', 'has \\u'],
])('%s is refused for what it %s', (pattern, reason) => { expect(unfit(pattern)).toContain(reason); });
