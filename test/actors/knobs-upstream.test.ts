import { afterAll, beforeAll, expect, test } from 'vitest';
import { knobsOf, setKnob } from '../../src/actors/specialist/proposers/moves/knob.ts';
import { knobMove, readMove } from '../../src/actors/specialist/proposers/moves/move.ts';
import { openSyntax } from '../../src/adapters/python/index.ts';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';
import type { Syntax } from '../../src/ports.ts';

// Knobs where the scripts of others keep them: behind an environment variable, and in a dictionary of dictionaries.

let syntax: Syntax & AsyncDisposable;
beforeAll(async () => { syntax = await openSyntax({ python: (await findToolchain(process.cwd())).python }); });
afterAll(() => syntax[Symbol.asyncDispose]());

const SOURCE = `import os
hyp = {
    'opt': {
        'lr': 9.0,   # per 1024
        'momentum': 0.85, 'nesterov': True,
        'seed': 3,
    },
    # 'old': 1,
    'net': {'widths': {'block1': 128}, 'scale': 1/9, 'names': [1, 2]},
}
class Settings:
    rate = float(os.environ.get("RATE", 0.04))  # a rate
    steps: int = int(os.environ.get('STEPS', 20_000))
    other = float(os.environ.get("OTHER", 1.0)) * 2
    path = os.environ.get("DATA", "./data")
`;
const recipe = { 'train.py': SOURCE };
const all = () => knobsOf(recipe, () => true, syntax);

test('keys and defaults of environment variables are knobs under their own names; what is computed, a seed and a comment are none', () => {
  expect(all().map(({ name, value, type }) => `${name} ${value} ${type}`)).toEqual([
    'Settings.rate 0.04 float', 'Settings.steps 20_000 int',
    'hyp["opt"]["lr"] 9.0 float', 'hyp["opt"]["momentum"] 0.85 float', 'hyp["opt"]["nesterov"] True bool', 'hyp["net"]["widths"]["block1"] 128 int',
  ]);
});

test('defaults that variables may set among the parameters of a function are knobs by the variable, quoted or not, and belong to the function', () => {
  const source = [
    'import os', 'decay = float(os.getenv("DECAY", "1"))', '', '', '@cache',
    'def train(rate=float(os.environ.get("LR", "0.1")), *, steps: int = int( os.getenv(\'STEPS\', 200) ),', '          seed=int(os.environ.get("SEED", "1")), path=os.environ.get("DATA", "d"),',
    '          twice=2 * float(os.environ.get("TWICE", 3)), x=float(os.environ.get("BARE"))):  # f(y=float(os.environ.get("NOTE", 1)))', '    return call(z=float(os.environ.get("CALL", 5)))', '',
  ].join('\n');
  const found = knobsOf({ 'a.py': source }, (_, symbol) => symbol.startsWith('train') || symbol === 'decay', syntax);
  expect(found.map(({ name, value, type }) => `${name} ${value} ${type}`)).toEqual(['decay 1 float', '$LR 0.1 float', '$STEPS 200 int']);
  expect(knobsOf({ 'a.py': source }, (_, symbol) => symbol === 'decay', syntax).map(({ name }) => name)).toEqual(['decay']);
  const turned = setKnob({ 'a.py': source }, 'a.py', '$LR', '0.2')?.['a.py'] ?? '';
  expect(turned).toBe(source.replace('"0.1"', '"0.2"'));
  expect(setKnob({ 'a.py': source }, 'a.py', '$STEPS', '400')?.['a.py']).toBe(source.replace('200', '400'));
  expect(readMove(knobMove({ file: 'a.py', name: '$LR' }, '0.2'))).toEqual({ kind: 'knob', file: 'a.py', name: '$LR', value: '0.2' });
});

test('a knob is turned where it stands and nowhere else', () => {
  for (const { name, value } of all()) {
    const turned = setKnob(recipe, 'train.py', name, '7')?.['train.py'] ?? '';
    const lines = SOURCE.split('\n');
    const now = turned.split('\n');
    const at = now.findIndex((line, i) => line !== lines[i]);
    expect(now.filter((line, i) => line !== lines[i])).toHaveLength(1);
    expect(now[at]?.replace('7', value)).toBe(lines[at]);
  }
});

test('a key belongs to whoever owns it, not to the owner of its dictionary', () => {
  const names = (owner: string): readonly string[] => knobsOf(recipe, (_, symbol) => (symbol.startsWith('hyp["opt"]') ? 'optimizer' : 'architecture') === owner, syntax).map(({ name }) => name);
  expect(names('optimizer')).toEqual(['hyp["opt"]["lr"]', 'hyp["opt"]["momentum"]', 'hyp["opt"]["nesterov"]']);
  expect(names('architecture')).not.toContain('hyp["opt"]["lr"]');
});
