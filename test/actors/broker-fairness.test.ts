import fc from 'fast-check';
import { expect, test } from 'vitest';
import { grants } from '../../src/actors/broker/decide.ts';
import type { Wanted } from '../../src/domain/need.ts';
import { measurement, story } from '../support/story.ts';

const SPECIALISTS = ['optimizer', 'architecture', 'data', 'kernel'];
/** Longest replicate, in seconds, and how many more a screening may call for. */
const LONGEST = 30;
const CONFIRMATION = 5;

/** Slot seconds of each specialist after a run in which all always have trials waiting, every trial takes its own time, and some ask for a confirmation. */
function night({ specialists, slots, steps, seconds, confirms }: { specialists: number; slots: number; steps: number; seconds: (trial: number) => number; confirms: (trial: number) => boolean }): readonly number[] {
  const told = story({ slotsPerReplicate: 1 });
  told.tell('node.enrolled', ['atlas', 'b2'], { publicKey: 'k', slots: Array.from({ length: slots }, (_, i) => ({ slot: `cpu${i}`, kind: 'cpu' as const, memoryBytes: 1 })), device: 'cpu/test', evaluatorHash: told.lineage.started?.evaluatorHash ?? '', environmentHash: 'a'.repeat(64), sandbox: 'bubblewrap', canaries: [] });
  const names = SPECIALISTS.slice(0, specialists);
  const wanted = new Map<string, Wanted>();
  const running: { key: string; endsAt: number; heldMs: number; slot: string }[] = [];
  let [now, next] = [0, 0];
  const propose = (name: string): void => {
    const trial = `t${String(++next).padStart(4, '0')}`;
    told.tell('trial.admitted', [trial], {
      snapshot: String(next).padStart(64, '0'), feedback: null, clientId: `c-${trial}`,
      proposal: { specialist: name, parent: 't0000', asOf: 0, hypothesis: 'an idea of mine', expectedDelta: 0, patch: '', parts: [], proposer: { kind: 'llm', strategy: '', moves: [] }, tokens: 0, money: 0 },
    });
    wanted.set(`${trial}.s1`, { trial, replicate: 's1', purpose: 'search' });
  };
  for (let i = 0; i < 3; i++) for (const name of names) propose(name);
  for (let step = 0; step < steps; step++) {
    for (const lease of grants(told.lineage, [...wanted.values()], () => true)) {
      told.tell('lease.granted', [lease.trial, lease.replicate, '1'], lease);
      const heldMs = Math.round(1000 * seconds(Number(lease.trial.slice(1))));
      running.push({ key: `${lease.trial}.${lease.replicate}`, endsAt: now + heldMs, heldMs, slot: lease.slots[0] ?? '' });
    }
    const [ending] = running.sort((a, b) => a.endsAt - b.endsAt || a.slot.localeCompare(b.slot)).splice(0, 1);
    if (!ending) throw new Error('a slot is idle while trials wait');
    now = ending.endsAt;
    const [trial = '', replicate = ''] = ending.key.split('.');
    const author = told.lineage.trials.get(trial)?.proposal.specialist ?? '';
    told.tell('trial.measured', [trial, replicate, '1', 'atlas'], { measurement: measurement(1), signature: '', heldMs: ending.heldMs });
    wanted.delete(ending.key);
    if (replicate === 's1') {
      if (confirms(Number(trial.slice(1)))) for (let c = 1; c <= CONFIRMATION; c++) wanted.set(`${trial}.c${c}`, { trial, replicate: `c${c}`, purpose: 'confirm' });
      propose(author);
    }
  }
  return names.map((name) => told.lineage.secondsBySpecialist.get(name) ?? 0);
}

test('whatever trials cost and however many are confirmed, nobody who has work waiting falls behind by more than what the others had begun', () => {
  fc.assert(fc.property(
    fc.record({ specialists: fc.integer({ min: 2, max: 4 }), slots: fc.integer({ min: 1, max: 5 }), lengths: fc.array(fc.integer({ min: 1, max: LONGEST }), { minLength: 1, maxLength: 12 }), confirmed: fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }), greedy: fc.boolean() }),
    ({ specialists, slots, lengths, confirmed, greedy }) => {
      const shares = night({
        specialists, slots, steps: 400,
        seconds: (trial) => (greedy && trial % specialists === 1 ? LONGEST : lengths[trial % lengths.length] ?? 1),
        confirms: (trial) => confirmed[trial % confirmed.length] ?? false,
      });
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual((slots + CONFIRMATION + 1) * LONGEST);
      expect(Math.max(...shares), 'the night was long enough to tell').toBeGreaterThan(LONGEST);
    },
  ), { numRuns: 40, seed: 4 });
});
