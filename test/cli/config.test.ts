import { expect, test } from 'vitest';
import { configure } from '../../src/cli/config.ts';
import type { Surface } from '../../src/domain/surface.ts';

const brief = (specialist: string): Surface['roster'][number] => ({ specialist, scope: 'a', nonScope: 'b', editRadius: 'c' });
const surface: Surface = {
  name: 's', title: 's', evaluator: 'e', roster: [brief('optimizer'), brief('data')], claims: [], addable: [], slots: { kind: 'cpu', count: 1, minimumMemoryBytes: 1 }, calibrationReplicates: 3, limits: { trials: 4, wallSeconds: 60 }, hash: '0',
};

test.each(['single', 'generic-3'])('--arm %s is advisory, and is not started where ownership would refuse all that it proposes', (arm) => {
  expect(configure(surface, { arm }).arm.ownership).toBe('advisory');
  expect(() => configure(surface, { arm, ownership: 'enforced' })).toThrow(`--ownership enforced with --arm ${arm} would refuse every proposal`);
  expect(() => configure(surface, { arm, ownership: 'strict' })).toThrow('--ownership strict');
});

test('specialists are held to what they own unless told otherwise', () => {
  expect([configure(surface, {}).arm, configure(surface, { ownership: 'advisory' }).arm]).toMatchObject([{ kind: 'specialists', agents: 2, ownership: 'enforced' }, { kind: 'specialists', agents: 2, ownership: 'advisory' }]);
});
