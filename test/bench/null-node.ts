import { setTimeout as sleep } from 'node:timers/promises';
import { createSigner } from '../../src/adapters/signature/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { Lease, Measurement } from '../../src/domain/measurement.ts';
import type { Ports } from '../../src/ports.ts';
import { Pulse } from '../../src/protocols/actor.ts';
import { HASH, measurement } from '../support/story.ts';
import { NODE } from './null-run.ts';

/** A node without a recipe to run: every lease is answered with a signed measurement, at once or after `workMs`. */
export interface NullNode extends AsyncDisposable {
  /** From a measurement being recorded to the node reading the next lease of the same slot, in milliseconds. */
  readonly gaps: readonly number[];
}

export interface NullNodeOptions {
  readonly slots: number;
  readonly workMs: number;
  readonly score: (lease: Lease) => number;
  readonly onFact: (fact: Fact) => void;
}

const PULSE_MS = 1000;

/** Enrols the node and answers its leases until disposed. */
export async function startNullNode({ journal, bus }: Ports, { slots, workMs, score, onFact }: NullNodeOptions): Promise<NullNode> {
  const signer = createSigner();
  const stop = new AbortController();
  const run = journal.run;
  const freeSince = new Map<string, number>();
  const gaps: number[] = [];
  await journal.record('node.enrolled', [NODE, 'boot'], {
    publicKey: signer.publicKey, slots: Array.from({ length: slots }, (_, i) => ({ slot: `cpu${i}`, kind: 'cpu' as const, memoryBytes: 1 })),
    device: 'cpu/test', evaluatorHash: HASH, environmentHash: HASH, sandbox: 'bubblewrap', canaries: [],
  });
  const pulse = (): void => bus.tell(Pulse, { run, actor: 'evaluator', name: NODE }, { actor: 'evaluator', name: NODE, run, pid: process.pid, state: 'serving', sinceMs: 0, why: '', context: {} });
  const pulsing = setInterval(pulse, PULSE_MS);

  const work = async (lease: Lease): Promise<void> => {
    const slot = lease.slots[0] ?? '';
    const since = freeSince.get(slot);
    if (since !== undefined) gaps.push(performance.now() - since);
    const taken = performance.now();
    if (workMs > 0) await sleep(workMs);
    const found: Measurement = measurement(score(lease));
    const signature = signer.sign({ run, trial: lease.trial, replicate: lease.replicate, attempt: lease.attempt, node: NODE, measurement: found });
    freeSince.set(slot, performance.now());
    await journal.record('trial.measured', [lease.trial, lease.replicate, String(lease.attempt), NODE], { measurement: found, signature, heldMs: Math.round(performance.now() - taken) });
  };
  const following = (async () => {
    for await (const fact of journal.follow({ after: 0, signal: stop.signal })) {
      onFact(fact);
      if (fact.word === 'lease.granted') void work(fact.body).catch((error: unknown) => { if (!stop.signal.aborted) throw error; });
    }
  })();
  return {
    gaps,
    async [Symbol.asyncDispose]() {
      clearInterval(pulsing);
      stop.abort(new Error('the bench is over'));
      await following.catch(() => undefined);
    },
  };
}
