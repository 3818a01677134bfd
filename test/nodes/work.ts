import { setTimeout as sleep } from 'node:timers/promises';
import type { Fact } from '../../src/domain/fact.ts';
import type { Daemon } from './daemons.ts';
import type { Scene } from './faults/index.ts';
import type { Entry } from './history.ts';

// Who measures something at the moment: a fault that hits an idle machine shows little.

const GLANCE_MS = 200;

/** Nodes that hold a lease which was granted since they were started last, by what was seen. */
export function holders(facts: readonly Fact[], entries: readonly Entry[]): ReadonlySet<string> {
  const seenAt = new Map<number, number>();
  const started = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind === 'fact') seenAt.set(entry.seq, entry.ms);
    if (entry.kind === 'started') started.set(entry.daemon, entry.ms);
  }
  const held = new Map<string, string>();
  for (const fact of facts) {
    if (fact.word === 'lease.granted') {
      if ((seenAt.get(fact.seq) ?? 0) > (started.get(fact.body.node) ?? 0)) held.set(fact.ids.join('.'), fact.body.node);
    } else if (fact.word === 'lease.lapsed' || fact.word === 'trial.measured') held.delete(fact.ids.slice(0, 3).join('.'));
  }
  return new Set(held.values());
}

/** One of these nodes that measures something, waited for; throws when none does in time. */
export async function atWork({ lab, watch, dice, patienceMs }: Scene, among: readonly Daemon[] = lab.nodes): Promise<Daemon> {
  for (const until = performance.now() + patienceMs; ;) {
    const held = holders(watch.facts, lab.history.entries);
    const busy = among.filter(({ name }) => held.has(name));
    if (busy.length > 0) return dice.pick(busy);
    if (performance.now() > until) throw new Error(`${among.map(({ name }) => name).join(', ')} measured nothing for ${Math.round(patienceMs / 1000)} s: a fault would show nothing`);
    await sleep(GLANCE_MS);
  }
}

/** How long a measurement takes: the median from lease to measurement; 0 of none. */
export function measureMs(facts: readonly Fact[]): number {
  const granted = new Map<string, number>();
  const took: number[] = [];
  for (const fact of facts) {
    if (fact.word === 'lease.granted') granted.set(fact.ids.join('.'), fact.at);
    const from = fact.word === 'trial.measured' ? granted.get(fact.ids.slice(0, 3).join('.')) : undefined;
    if (from !== undefined) took.push(fact.at - from);
  }
  return took.sort((a, b) => a - b)[Math.floor(took.length / 2)] ?? 0;
}
