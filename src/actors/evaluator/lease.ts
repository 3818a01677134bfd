import type { Fact } from '../../domain/fact.ts';
import type { NodeId } from '../../domain/ids.ts';
import type { Lease } from '../../domain/measurement.ts';
import { NoAnswer, type Ports } from '../../ports.ts';
import { RenewLease } from '../../protocols/trial.ts';
import type { Work } from './work.ts';

// The leases of one node.
//
//   N1. A lease is taken once by this daemon, however often its fact is read, and only while it is the newest of its replicate, not lapsed and not measured.
//   N2. A lease that was granted to an earlier start of the node is not for this one, which reads the journal from its own enrolment on: the broker lets
//       it lapse when it reads that the node has started anew, so that a recipe that kills its node has so many attempts and no more.
//   N3. A lease nobody has renewed for most of its life is given up before anybody else may have it.
//   N4. A lease that was out when its trial ended is due all the same: the broker holds its slot until it hears of it.
//   N5. A lease that waits for its slot is renewed like one that is at work: else it would lapse, and be an attempt lost.
//   N6. A lease of work that has had all the time its phases may take is renewed no more: what it waits for on this machine does not come, and another may do it.

interface Entry { readonly lease: Lease; readonly seq: number; isOver: boolean; isTaken: boolean }

/** The leases that were granted to one node, folded from the journal. */
export interface LeaseBook {
  apply(fact: Fact): void;
  /** Leases that are due and not yet taken, in journal order. */
  due(): Lease[];
  take(lease: Lease): void;
}

/** Opens an empty book. */
export function leaseBook(node: NodeId): LeaseBook {
  const newest = new Map<string, Entry>();
  let applied = 0;
  const keyOf = (trial: string, replicate: string): string => `${trial}.${replicate}`;
  return {
    apply(fact) {
      if (fact.seq <= applied) return; // N1
      applied = fact.seq;
      if (fact.word === 'lease.granted') newest.set(keyOf(fact.ids[0], fact.ids[1]), { lease: fact.body, seq: fact.seq, isOver: false, isTaken: false });
      if (fact.word === 'lease.lapsed' || fact.word === 'trial.measured') {
        const entry = newest.get(keyOf(fact.ids[0], fact.ids[1]));
        if (entry !== undefined && entry.lease.attempt === Number(fact.ids[2]) && (fact.ids[3] ?? entry.lease.node) === entry.lease.node) entry.isOver = true; // N1; another node's word for it ends nothing
      }
      if (fact.word === 'trial.result') for (const [key, entry] of newest) if (entry.lease.trial === fact.ids[0] && entry.isOver) newest.delete(key); // N4
    },
    due: () => [...newest.values()].filter((entry) => entry.lease.node === node && !entry.isOver && !entry.isTaken).sort((a, b) => a.seq - b.seq).map(({ lease }) => lease),
    take(lease) {
      const entry = newest.get(keyOf(lease.trial, lease.replicate));
      if (entry?.lease === lease) entry.isTaken = true; // N1
    },
  };
}

/** Before its warden counts the same silence: then the node knows why what it held is dead. */
const FORSAKEN = 0.75;

/** Renews a lease until it is lost or the signal aborts; resolves with why it was lost. */
export async function keepLease({ ports, node, work, signal, onRenewed, isOverdue }: { ports: Ports; node: NodeId; work: Pick<Work, 'trial' | 'replicate' | 'attempt' | 'ttlMs' | 'takenMs'>; signal: AbortSignal; onRenewed?: (atMs: number) => void; isOverdue?: () => boolean }): Promise<string> {
  const { bus, clock, journal } = ports;
  let renewedMs = work.takenMs;
  onRenewed?.(renewedMs);
  for (;;) {
    const askedMs = clock.now();
    const leftMs = renewedMs + work.ttlMs * FORSAKEN - askedMs;
    if (leftMs <= 0) return 'nobody renewed it'; // N3
    if (isOverdue?.() === true) return 'it has had all the time that its phases may take: a disk or a driver of this machine may be stuck'; // N6
    const answer = await bus.ask(RenewLease, { run: journal.run }, { trial: work.trial, replicate: work.replicate, attempt: work.attempt, node }, { timeoutMs: Math.min(work.ttlMs / 3, leftMs), signal })
      .then((reply) => reply.kind, (error: unknown) => { if (error instanceof NoAnswer) return 'unanswered' as const; throw error; });
    signal.throwIfAborted();
    if (answer === 'lapsed') return 'the broker let it lapse';
    if (answer === 'renewed') onRenewed?.(renewedMs = askedMs);
    await clock.wait(answer === 'renewed' ? work.ttlMs / 3 : Math.min(500, work.ttlMs / 10), signal);
  }
}

/** Renews those of a node's leases whose slots are not clean yet (N5); each call says which they are now. */
export function leasesInWait(ports: Ports, node: NodeId): { hold(leases: readonly Lease[]): void } {
  const held = new Map<Lease, AbortController>();
  return {
    hold(leases) {
      for (const [lease, stop] of held) if (!leases.includes(lease)) { held.delete(lease); stop.abort(new Error('it waits no more')); }
      for (const lease of leases) {
        if (held.has(lease)) continue;
        const stop = new AbortController();
        held.set(lease, stop);
        void keepLease({ ports, node, work: { ...lease, takenMs: ports.clock.now() }, signal: stop.signal }).catch(() => undefined);
      }
    },
  };
}
