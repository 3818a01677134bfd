import { expect, test } from 'vitest';
import { knobsOf, knobValue, setKnob } from '../../src/actors/specialist/proposers/moves/knob.ts';
import { literalsOf } from '../../src/actors/specialist/proposers/moves/literal.ts';
import { ownerOf } from '../../src/domain/claim.ts';
import { openParser } from '../../src/adapters/python/index.ts';
import { readMove } from '../../src/actors/specialist/proposers/moves/move.ts';

const SOURCE = `"""A script that nobody wrote for us.

    width = 1
"""
import argparse
from dataclasses import dataclass

learning_rate = 3e-4  # of every group
WARMUP = 100
product = 2 * 3


@dataclass
class Config:
    """Sizes.

    width = 2
    """
    width: int = 96
    dropout: float = 0.0

    def twice(self):
        width = 5
        return self.width * 2


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument('--batch-size', type=int, default=64, metavar='N',
                        help='how many (default: 64)')
    parser.add_argument("-m", "--momentum", default=1, type=float)
    parser.add_argument('--activation', choices=['relu', 'gelu'], default='relu')
    parser.add_argument('--seed', type=int, default=1)
    # parser.add_argument('--gone', default=3)
    parser.add_argument('--data', default='data')
    return parser.parse_args()


seed = 1337
`;
const syntax = { ...await openParser(), check: () => Promise.resolve({ ok: true as const }) };
const knobs = (owns: (file: string, symbol: string) => boolean = () => true): string[] => knobsOf({ 'train.py': SOURCE }, owns, syntax).map(({ name, type, value }) => `${name} ${type} ${value}`);

test('the literals that have a name at the top, in a class and as the default of an option are knobs; seeds, words and what stands in strings or comments are not', () => {
  expect(knobs()).toEqual([
    'learning_rate float 3e-4', 'WARMUP int 100', 'Config.width int 96', 'Config.dropout float 0.0',
    '--batch-size int 64', '--momentum float 1', "--activation choice 'relu'",
  ]);
});

test('an option belongs to whoever owns the function around it, or the statement itself; an attribute to whoever owns it', () => {
  const claims = (given: Readonly<Record<string, string>>) => Object.entries(given).map(([symbol, owner]) => ({ owner, file: 'train.py', symbol, line: 1 }));
  const of = (owner: string, given: Readonly<Record<string, string>>): string[] => knobs((file, symbol) => ownerOf(claims(given), file, symbol) === owner);
  expect(of('data', { options: 'data' })).toEqual(['--batch-size int 64', '--momentum float 1', "--activation choice 'relu'"]);
  expect(of('data', { 'options@call:parser.add_argument("--batch-size")': 'data', options: 'protected' })).toEqual(['--batch-size int 64']);
  expect(of('optimizer', { 'options@call:parser.add_argument("--batch-size")': 'data', options: 'optimizer' })).toEqual(['--momentum float 1', "--activation choice 'relu'"]);
  expect(of('data', { 'Config.width': 'data' })).toEqual(['Config.width int 96']);
});

test.each([['learning_rate', '0.001', 'learning_rate = 0.001  # of every group'], ['Config.width', '128', '    width: int = 128'], ['--batch-size', '32', "add_argument('--batch-size', type=int, default=32, metavar='N',"], ['--momentum', '0.5', 'add_argument("-m", "--momentum", default=0.5, type=float)']])(
  'turning %s rewrites its literal and nothing else', (name, value, line) => {
    const turned = setKnob({ 'train.py': SOURCE }, 'train.py', name, value)?.['train.py'] ?? '';
    const lines = turned.split('\n');
    expect(lines.filter((text, i) => text !== SOURCE.split('\n')[i])).toEqual([expect.stringContaining(line)]);
    expect(knobValue({ 'train.py': turned }, 'train.py', name)).toBe(value);
    expect(setKnob({ 'train.py': SOURCE }, 'train.py', name, knobValue({ 'train.py': SOURCE }, 'train.py', name) ?? '')).toEqual({ 'train.py': SOURCE });
  });

test('a move names any knob, and an option that nobody closes has no literal', () => {
  expect(readMove('knob:src/train.py:--batch-size=32')).toEqual({ kind: 'knob', file: 'src/train.py', name: '--batch-size', value: '32' });
  expect(readMove('knob:train.py:Config.width=1e-3')).toMatchObject({ name: 'Config.width', value: '1e-3' });
  expect(literalsOf("parser.add_argument('--x', default=1")).toEqual([]);
});
