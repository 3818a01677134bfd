import type { Fact } from '../../../src/domain/fact.ts';
import type { Entry } from '../history.ts';
import type { Evidence, Invariant } from './evidence.ts';
import { fold } from './journal.ts';

// What was seen to run in the slots, held against the leases.

/** One group of processes in a slot, from when it was first seen to when it was gone. */
export interface Span { readonly slot: string; readonly warden: string; readonly role: string; readonly group: string; readonly from: number; readonly to: number }

/** What surely ran where and when: from the look that saw it first to the last that saw it. What is still there lasts to the last look that saw a change. */
export function spansOf(entries: readonly Entry[]): Span[] {
  const open = new Map<string, number>();
  const spans: Span[] = [];
  let last = 0;
  const span = (slot: string, group: string, from: number, to: number): Span => {
    const [, warden = '', role = ''] = group.split('.');
    return { slot, warden, role: role.replace(/-\d+$/, ''), group, from, to };
  };
  for (const entry of entries) {
    if (entry.kind === 'up' || entry.kind === 'gone') last = Math.max(last, entry.at);
    if (entry.kind === 'up') open.set(`${entry.slot} ${entry.group}`, entry.at);
    if (entry.kind !== 'gone') continue;
    spans.push(span(entry.slot, entry.group, open.get(`${entry.slot} ${entry.group}`) ?? entry.at, entry.at));
    open.delete(`${entry.slot} ${entry.group}`);
  }
  for (const [key, from] of open) { const [slot = '', group = ''] = key.split(' '); spans.push(span(slot, group, from, last)); }
  return spans.sort((a, b) => a.from - b.from);
}

/** Two looks and a bit: a tree of processes that is being killed takes a moment to be gone. */
const LOOK_MS = 450;

/** While one broker takes over from another, or wakes up and finds itself replaced, both may lease a slot; its node then takes one lease and lets the other wait, as the trees of processes show. */
const TAKEOVER_MS = 5_000;
/** Faults after which a broker goes on where it was held up, in the midst of a word perhaps. */
const WAKES: ReadonlySet<string> = new Set(['pause-broker', 'cut-minority']);

const overlaps = (spans: readonly Span[]): string[] => spans.flatMap((one, i) => spans.slice(i + 1)
  .filter((other) => other.slot === one.slot && (other.warden !== one.warden || (other.role === one.role && other.group !== one.group)) && Math.min(one.to, other.to) - Math.max(one.from, other.from) > LOOK_MS)
  .map((other) => `${one.slot} had ${one.group} and ${other.group} at once from ${Math.max(one.from, other.from)} ms on`));

export const exclusive: Invariant = {
  id: 'I3', says: 'a slot has one lease and one tree of processes, dead before its lease is',
  check({ facts, entries }: Evidence) {
    const found: string[] = [];
    const held = new Map<string, string>();
    const newest = new Map<string, number>();
    const spans = spansOf(entries);
    const seenAt = new Map(entries.flatMap((entry) => (entry.kind === 'fact' ? [[entry.seq, entry.ms] as const] : [])));
    const woke = entries.flatMap((entry) => (entry.kind === 'healed' && WAKES.has(entry.fault) ? [entry.ms] : []));
    const isHandover = ({ seq, at }: Fact): boolean => at - tookAt <= TAKEOVER_MS || woke.some((ms) => Math.abs((seenAt.get(seq) ?? Infinity) - ms) <= TAKEOVER_MS);
    const decided = new Set<string>();
    let tookAt = -Infinity;
    for (const fact of facts) {
      if (fact.word === 'broker.took') tookAt = fact.at;
      if (fact.word === 'lease.granted') {
        const { trial, replicate, attempt, node, slots } = fact.body;
        const key = `${trial}.${replicate}`;
        if (attempt <= (newest.get(key) ?? 0)) found.push(`${key} was leased as attempt ${attempt} after ${newest.get(key)}`);
        newest.set(key, attempt);
        for (const slot of slots) {
          const other = held.get(`${node}/${slot}`);
          if (other !== undefined && !isHandover(fact)) found.push(`${node}/${slot} was leased to ${key} while ${other} had it`);
          held.set(`${node}/${slot}`, `${key}.${attempt}`);
        }
      }
      if (fact.word !== 'lease.lapsed' && fact.word !== 'trial.measured') continue;
      const over = fact.ids.slice(0, 3).join('.');
      const freed = [...held].filter(([, lease]) => lease === over).map(([slot]) => slot);
      for (const slot of freed) held.delete(slot);
      const lapsedAt = seenAt.get(fact.seq);
      if (fact.word !== 'lease.lapsed' || lapsedAt === undefined || !/did not renew/.test(fact.body.reason)) continue;
      for (const span of spans) if (freed.includes(span.slot) && span.from < lapsedAt && span.to > lapsedAt + LOOK_MS && !decided.has(span.group)) {
        decided.add(span.group);
        found.push(`${span.slot} still had ${span.group} when the lease of ${over} had lapsed, at ${lapsedAt} ms`);
      }
    }
    return [...found, ...overlaps(spans)];
  },
};

export const billed: Invariant = {
  id: 'I8', says: 'no slot worked longer than was charged',
  check({ run, facts, entries, boxes }) {
    if (boxes === null) return [];
    const enrolled = new Map<string, number>();
    const seenAt = new Map(entries.flatMap((entry) => (entry.kind === 'fact' ? [[entry.seq, entry.ms] as const] : [])));
    for (const fact of facts) if (fact.word === 'node.enrolled' && !enrolled.has(fact.ids[0])) enrolled.set(fact.ids[0], seenAt.get(fact.seq) ?? 0);
    const bySlot = new Map<string, Span[]>();
    for (const span of spansOf(entries)) if (span.from > (enrolled.get(span.slot.split('/')[0] ?? '') ?? Infinity)) bySlot.set(span.slot, [...bySlot.get(span.slot) ?? [], span]); // canaries are nobody's
    let seen = 0;
    let looks = 0;
    for (const spans of bySlot.values()) {
      let end = -Infinity;
      for (const { from, to } of spans) { seen += Math.max(0, to - Math.max(from, end)); end = Math.max(end, to); looks += 1; }
    }
    const charged = fold(run, facts).slotSeconds;
    const sure = (seen - looks * LOOK_MS) / 1000;
    return charged < sure ? [`slots worked for at least ${sure.toFixed(1)} s and ${charged.toFixed(1)} s were charged`] : [];
  },
};
