import { describe, expect, test } from 'vitest';
import { planOf } from './plan.ts';
import { breachOf, explain, historyOf, search, smallest } from './report.ts';
import { simulate } from './world.ts';

// Whole runs by the real actors in a world that delays, loses, doubles, cuts, pauses and kills, as a seed decides. What must hold of each is in laws.ts.

/** As many as two cores do in half a minute; `npm run simulate` does as many as one likes. */
const SCHEDULES = 400;
const seed = process.env.SEED === undefined ? null : Number(process.env.SEED);

if (seed === null) describe('in simulated worlds', () => {
  test(`no law is broken in ${SCHEDULES} schedules`, async () => {
    const found = await search({ from: 1, seeds: SCHEDULES });
    expect(found.join('\n\n')).toBe('');
  }, 1_200_000);

  test('a seed makes the same history again, byte for byte, whatever other worlds there were before', async () => {
    const seeds = [1, 2, 3, 4, 5];
    const first: string[] = [];
    for (const each of seeds) first.push(historyOf(await simulate(planOf(each))));
    for (const each of [...seeds].reverse()) expect(historyOf(await simulate(planOf(each)))).toBe(first[each - 1]);
    expect(new Set(first).size).toBe(seeds.length);
  }, 300_000);

  test('every kind of fault comes about, and runs come to their end under them', async () => {
    const seen = new Set<string>();
    const endings = new Set<string>();
    for (let each = 1; each <= 40; each++) {
      const { history, facts } = await simulate(planOf(each));
      for (const { says } of history) for (const what of ['is killed', 'is paused', 'is cut off', 'of its messages', 'did not renew', 'has started anew', 'harness_abort', 'keep (']) if (says.includes(what)) seen.add(what);
      for (const fact of facts) if (fact.word === 'run.stopped') endings.add(fact.body.reason.replace(/\d.*/, ''));
    }
    expect([...seen].sort()).toEqual(['did not renew', 'harness_abort', 'has started anew', 'is cut off', 'is killed', 'is paused', 'keep (', 'of its messages']);
    expect([...endings]).toContain('trial limit of ');
  }, 300_000);
});

else test(`no law is broken under seed ${seed}`, async () => {
  const breach = await breachOf(planOf(seed));
  process.stdout.write(`${historyOf(breach?.told ?? await simulate(planOf(seed)))}\n`);
  expect(breach === null ? '' : explain(await smallest(breach))).toBe('');
}, 300_000);
