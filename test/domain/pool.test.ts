import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deal, levelWith, type Claim, type Grant, type Held } from '../../src/domain/pool.ts';

type Runs = ReadonlyMap<string, Claim>;

const MACHINES = [{ node: 'atlas', cpu: 4, gpu: 2 }, { node: 'bruno', cpu: 2, gpu: 4 }, { node: 'clara', cpu: 1, gpu: 0 }] as const;
const slotsOf = (kind: 'cpu' | 'gpu'): Claim['nodes'] => MACHINES.map(({ node, [kind]: count }) => ({ node, slots: Array.from({ length: count }, (_, i) => `${kind}${i}`) }));

const run = fc.record({
  used: fc.integer({ min: 0, max: 9 }), step: fc.integer({ min: 1, max: 3 }), width: fc.integer({ min: 1, max: 4 }), isExclusive: fc.boolean(),
  nodes: fc.constantFrom('cpu' as const, 'gpu' as const).map(slotsOf),
  waiting: fc.array(fc.boolean(), { maxLength: 6 }).map((lasts) => lasts.map((isLast, i) => ({ key: `t${i}`, isLast }))),
});
/** Runs in the middle of their night: some of what was dealt before is still out. */
const runs = fc.tuple(fc.array(run, { minLength: 1, maxLength: 4 }), fc.array(fc.boolean(), { minLength: 40, maxLength: 40 })).map(([wishes, isOut]): { claims: Runs; before: ReadonlyMap<string, string> } => {
  const named = wishes.map((wish, i) => [`run${i}`, wish] as const);
  const first = deal(new Map(named.map(([name, wish]) => [name, { ...wish, held: [] }])));
  let n = 0;
  return { before: first.reserved, claims: new Map(named.map(([name, wish]) => [name, { ...wish, held: (first.granted.get(name) ?? []).filter(() => isOut[n++] ?? false) }])) };
});

const out = (claims: Runs, granted: ReadonlyMap<string, readonly Grant[]>): { claim: Claim; lease: Held }[] =>
  [...claims].flatMap(([name, claim]) => [...claim.held, ...granted.get(name) ?? []].map((lease) => ({ claim, lease })));

describe('whatever the runs claim', () => {
  test('no slot carries two leases, a lease has all its slots on one node that suits it, who is to be alone is, and last attempts are one a node', () => {
    fc.assert(fc.property(runs, ({ claims, before }) => {
      const { granted } = deal(claims, before);
      const all = out(claims, granted);
      const slots = all.flatMap(({ lease }) => lease.slots.map((slot) => `${lease.node}/${slot}`));
      expect(new Set(slots).size).toBe(slots.length);
      for (const [name, grants] of granted) for (const grant of grants) {
        const claim = claims.get(name);
        expect(grant.slots).toHaveLength(claim?.width ?? 0);
        expect(claim?.nodes.find(({ node }) => node === grant.node)?.slots).toEqual(expect.arrayContaining([...grant.slots]));
      }
      for (const { claim, lease } of all) if (claim.isExclusive) expect(all.filter((each) => each.lease.node === lease.node)).toHaveLength(1);
      for (const { node } of MACHINES) expect(all.filter(({ lease }) => lease.node === node && lease.isLast).length).toBeLessThanOrEqual(1);
    }), { numRuns: 400, seed: 5 });
  });

  test('nothing that fits is left waiting unless somebody whose turn it was keeps the room free', () => {
    fc.assert(fc.property(runs, ({ claims, before }) => {
      const { granted, reserved } = deal(claims, before);
      for (const [name, claim] of claims) {
        const left = claim.waiting.filter(({ key }) => !granted.get(name)?.some((grant) => grant.key === key));
        const alone = new Map([...claims].map(([each, other]) => [each, { ...other, held: [...other.held, ...granted.get(each) ?? []], waiting: each === name ? left : [] }]));
        if (deal(alone).granted.get(name)?.length) expect([...reserved.keys()].filter((other) => other !== name)).not.toEqual([]);
      }
    }), { numRuns: 400, seed: 6 });
  });

  test('a node that is kept free for one run is kept from the others, and only the slots that suit it', () => {
    const nodes = slotsOf('gpu').slice(0, 1);
    const wide: Claim = { used: 0, step: 1, width: 2, isExclusive: false, nodes, waiting: [{ key: 'w', isLast: false }], held: [] };
    const holder: Claim = { used: 5, step: 1, width: 1, isExclusive: false, nodes, waiting: [{ key: 'n', isLast: false }], held: [{ node: 'atlas', slots: ['gpu0'], isLast: false }] };
    const cpu: Claim = { ...holder, nodes: slotsOf('cpu').slice(0, 1), held: [] };
    const dealt = deal(new Map([['wide', wide], ['holder', holder], ['cpu', cpu]]));
    expect([...dealt.reserved]).toEqual([['wide', 'atlas']]);
    expect([...dealt.granted].map(([name, grants]) => [name, grants.length])).toEqual([['wide', 0], ['holder', 0], ['cpu', 1]]);
    expect(deal(new Map([['wide', { ...wide, isExclusive: true }], ['cpu', cpu]])).granted.get('wide'), 'its turn is first').toHaveLength(1);
    expect(deal(new Map([['wide', { ...wide, isExclusive: true }], ['holder', holder], ['cpu', cpu]])).granted.get('cpu'), 'who is to be alone keeps the whole node').toEqual([]);
  });

  test('what one node could not measure goes to another, waits for it, and keeps the ill one from nobody', () => {
    const nodes = [{ node: 'atlas', slots: ['a'] }, { node: 'bruno', slots: ['a'] }];
    const claim = (held: Held[], at = nodes): Claim => ({ used: 0, step: 1, width: 1, isExclusive: false, nodes: at, waiting: [{ key: 'again', isLast: false, shuns: 'atlas' }, { key: 'new', isLast: false }], held });
    const granted = (of: Claim) => deal(new Map([['run', of]])).granted.get('run')?.map(({ key, node }) => `${key} on ${node}`);
    expect(granted(claim([]))).toEqual(['again on bruno', 'new on atlas']);
    expect(granted(claim([{ node: 'bruno', slots: ['a'], isLast: false }]))).toEqual(['new on atlas']);
    expect(granted(claim([], nodes.slice(0, 1))), 'where there is no other').toEqual(['again on atlas']);
  });

  test('a node that is kept stays kept while no other has more room, so that the wait ends', () => {
    const nodes = [{ node: 'atlas', slots: ['a', 'b'] }, { node: 'bruno', slots: ['a', 'b'] }];
    const wide: Claim = { used: 0, step: 1, width: 2, isExclusive: false, nodes, waiting: [{ key: 'w', isLast: false }], held: [] };
    const busy = (held: Held[]): Claim => ({ ...wide, used: 1, width: 1, waiting: [], held });
    const on = (node: string, ...slots: string[]): Held[] => slots.map((slot) => ({ node, slots: [slot], isLast: false }));
    const kept = (held: Held[], before: string): string | undefined => deal(new Map([['wide', wide], ['narrow', busy(held)]]), new Map([['wide', before]])).reserved.get('wide');
    expect(kept([...on('atlas', 'a', 'b'), ...on('bruno', 'a', 'b')], 'bruno')).toBe('bruno');
    expect(kept([...on('atlas', 'a'), ...on('bruno', 'a')], 'bruno')).toBe('bruno');
    expect(kept([...on('atlas', 'a'), ...on('bruno', 'a', 'b')], 'bruno')).toBe('atlas');
  });
});

test('a run that comes to others begins level with the least of them: a newcomer brings nothing, and one that comes back may owe but has nothing saved up', () => {
  expect([levelWith([], 700, true), levelWith([], 700, false)]).toEqual([0, 700]);
  expect([levelWith([40, 90], 700, true), levelWith([40, 90], 700, false), levelWith([40, 90], 10, false)]).toEqual([40, 700, 40]);
});
