import { expect, test } from 'vitest';
import { extendBy, furtherFlags, limitsOf } from '../../src/cli/limits.ts';
import { NO_LIMITS } from '../../src/domain/budget.ts';

const had = { ...NO_LIMITS, trials: 32, wallSeconds: 600 };

test('+N adds to what the run had and a plain number replaces it, in the unit of each flag', () => {
  expect(extendBy({ trials: '+8', minutes: '+0.5', slotSeconds: '90', patience: '2' })(had)).toEqual({ ...had, trials: 40, wallSeconds: 630, slotSeconds: 90, secondsWithoutKeep: 120 });
  expect(extendBy({})(had)).toEqual(had);
  expect(limitsOf({ minutes: '0.3' })).toEqual({ wallSeconds: 18 });
});

test.each([[{ trials: '+1.5' }], [{ trials: '+' }], [{ trials: '-3' }], [{ minutes: 'x' }], [{ slotSeconds: '0' }], [{ patience: '+-1' }]])('%j is no limit, for a new run and for one that goes on', (flags) => {
  expect(() => extendBy(flags)).toThrow(/^--[a-z-]+ \S* ?must be a (whole )?number from/);
  expect(() => limitsOf(flags)).toThrow(/^--[a-z-]+ /);
});

test('tokens and money of models are limited, added to and asked for again as the others are', () => {
  expect(limitsOf({ tokens: '500000', money: '2.5' })).toEqual({ tokens: 500_000, money: 2.5 });
  expect(extendBy({ tokens: '+1000', money: '+0.5' })({ ...had, tokens: 5, money: 2 })).toMatchObject({ tokens: 1005, money: 2.5 });
  expect(furtherFlags({ ...had, tokens: 900, money: 2 }, { trials: 1, tokens: 1000, money: 2.2 })).toEqual(['--tokens +1000', '--money +2.2']);
  expect(furtherFlags({ ...had, money: 0.02 }, { money: 0.0318 }), 'small models cost little').toEqual(['--money +0.04']);
  for (const flags of [{ tokens: '1.5' }, { tokens: '0' }, { money: '0' }, { money: '-1' }, { money: 'x' }]) expect(() => limitsOf(flags)).toThrow(/^--(tokens|money) \S+ must be a (whole )?number from/);
});

test('what a run has no limit of cannot be added to', () => {
  expect(() => extendBy({ slotSeconds: '+10' })(had)).toThrow('--slot-seconds +10 adds to a limit that the run does not have');
});

test('a run that has ended is told the flags of the limits it used up, and of no other', () => {
  expect(furtherFlags(had, { trials: 32, wallSeconds: 540, slotSeconds: 9_000 })).toEqual(['--trials +32']);
  expect(furtherFlags(had, { trials: 5, wallSeconds: 640, slotSeconds: 9_000 })).toEqual(['--minutes +11']);
  expect(furtherFlags({ ...had, slotSeconds: 800 }, { trials: 32, wallSeconds: 600, slotSeconds: 801.5 })).toEqual(['--trials +32', '--minutes +10', '--slot-seconds +802']);
  expect(furtherFlags(had, { trials: 5, wallSeconds: 30, slotSeconds: 60 })).toEqual([]);
  for (const used of [{ trials: 32 }, { wallSeconds: 640 }]) {
    const [flag = '', by = ''] = furtherFlags(had, used)[0]?.split(' ') ?? [];
    expect(furtherFlags(extendBy({ [flag.slice(2)]: by })(had), used), 'and they are enough').toEqual([]);
  }
});
