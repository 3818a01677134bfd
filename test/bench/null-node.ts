import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepLease } from '../../src/actors/evaluator/lease.ts';
import { createSigner } from '../../src/adapters/signature/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { Lease, Measurement } from '../../src/domain/measurement.ts';
import type { Ports } from '../../src/ports.ts';
import { Pulse } from '../../src/protocols/actor.ts';
import { HASH, measurement } from '../support/story.ts';
import { NODE } from './null-run.ts';
import type { Stretch } from './schedule.ts';

/** Nodes without a recipe to run: every lease is answered with a signed measurement, at once or after a while. */
export interface NullNode extends AsyncDisposable {
  /** From a measurement being recorded to the node reading the next lease of the same slot, in milliseconds. */
  readonly gaps: readonly number[];
  /** What every slot held from reading a lease to the end of its work. */
  readonly stretches: readonly Stretch[];
  /** How long the broker took to renew a lease, in milliseconds. */
  readonly renewals: readonly number[];
}

export interface NullNodeOptions {
  /** Of each node. */
  readonly slots: number;
  /** One node unless given. All of them share this connection, and one reader of the journal. */
  readonly nodes?: readonly string[];
  readonly workMs: (lease: Lease) => number;
  /** Whether leases are renewed as evaluators do. */
  readonly renews?: boolean;
  readonly score: (lease: Lease) => number;
  readonly onFact: (fact: Fact) => void;
  /** Position in the journal from where they read. */
  readonly after?: number;
}

const PULSE_MS = 1000;

/** Enrols the nodes and answers their leases until disposed. */
export async function startNullNode(ports: Ports, { slots, nodes = [NODE], workMs, renews = false, score, onFact, after = 0 }: NullNodeOptions): Promise<NullNode> {
  const { journal, bus, clock } = ports;
  const signer = createSigner();
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // every lease listens
  const run = journal.run;
  const freeSince = new Map<string, number>();
  const gaps: number[] = [];
  const stretches: Stretch[] = [];
  const renewals: number[] = [];
  await Promise.all(nodes.map((node) => journal.record('node.enrolled', [node, 'boot'], {
    publicKey: signer.publicKey, slots: Array.from({ length: slots }, (_, i) => ({ slot: `cpu${i}`, kind: 'cpu' as const, memoryBytes: 1 })),
    device: 'cpu/test', evaluatorHash: HASH, environmentHash: HASH, sandbox: 'bubblewrap', canaries: [],
  })));
  const pulse = (): void => { for (const name of nodes) bus.tell(Pulse, { run, actor: 'evaluator', name }, { actor: 'evaluator', name, run, pid: process.pid, state: 'serving', sinceMs: 0, why: '', context: {} }); };
  pulse();
  const pulsing = setInterval(pulse, PULSE_MS);

  const work = async (lease: Lease): Promise<void> => {
    const { trial, replicate, attempt, node } = lease;
    const slot = `${node}/${lease.slots[0] ?? ''}`;
    const from = performance.now();
    const since = freeSince.get(slot);
    if (since !== undefined) gaps.push(from - since);
    const ms = workMs(lease);
    const over = new AbortController();
    if (renews) void keepLease({ ports, node, work: { ...lease, takenMs: clock.now() }, signal: AbortSignal.any([stop.signal, over.signal]), onRenewed: answered() }).catch(() => undefined);
    if (ms > 0) await sleep(ms, undefined, { signal: stop.signal });
    over.abort(new Error('it is measured'));
    const found: Measurement = measurement(score(lease));
    const signature = signer.sign({ run, trial, replicate, attempt, node, measurement: found });
    const to = performance.now();
    freeSince.set(slot, to);
    stretches.push({ slot, from, to, workMs: ms });
    await journal.record('trial.measured', [trial, replicate, String(attempt), node], { measurement: found, signature, heldMs: Math.round(to - from) });
  };
  /** Hears of one lease's renewals; the first word is only that it was taken. */
  const answered = (): ((askedMs: number) => void) => {
    let isTaken = false;
    return (askedMs) => { if (isTaken) renewals.push(clock.now() - askedMs); isTaken = true; };
  };
  const following = (async () => {
    for await (const fact of journal.follow({ after, signal: stop.signal })) {
      onFact(fact);
      if (fact.word === 'lease.granted') void work(fact.body).catch((error: unknown) => { if (!stop.signal.aborted) throw error; });
    }
  })();
  return {
    gaps, stretches, renewals,
    async [Symbol.asyncDispose]() {
      clearInterval(pulsing);
      stop.abort(new Error('the bench is over'));
      await following.catch(() => undefined);
    },
  };
}
