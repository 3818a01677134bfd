import { startBroker } from '../../src/actors/broker/index.ts';
import { startEvaluator } from '../../src/actors/evaluator/index.ts';
import { startLineage } from '../../src/actors/lineage/index.ts';
import { startSpecialist, type Proposer } from '../../src/actors/specialist/index.ts';
import { openTrial, weigh, weighClaim } from '../../src/actors/trial/index.ts';
import { volatileStore } from '../../src/adapters/lmdb/volatile.ts';
import type { Lineage, Verify } from '../../src/domain/lineage.ts';
import type { Lease } from '../../src/domain/measurement.ts';
import type { EvaluatorSpec, Surface } from '../../src/domain/surface.ts';
import type { Bus, FactStore, Ports } from '../../src/ports.ts';
import { Progress } from '../../src/protocols/actor.ts';
import { HASH, STARTED } from '../support/story.ts';
import { admit } from '../support/world.ts';
import type { Daemon } from './daemon.ts';
import { dice } from './dice.ts';
import type { Host } from './host.ts';
import type { Server } from './server.ts';

// The real actors, each as one daemon of the simulated world starts it.

export interface Started { readonly done: Promise<unknown>; /** The fold it decides or answers by; null before it has one. */ readonly lineage: () => Lineage | null }

const never = (): AbortSignal => new AbortController().signal;

/** A signature that only the holder of this start's key can make, in a world where nobody guesses. */
const sealed = (publicKey: string, signed: Parameters<Verify>[1]): string => `${publicKey}:${signed.trial}.${signed.replicate}.${signed.attempt}.${signed.node}:${signed.measurement.seed}:${signed.measurement.score ?? signed.measurement.failure?.kind ?? ''}`.slice(0, 128);
/** Whether a seal of this world holds. */
export const verify: Verify = (publicKey, signed, signature) => signature === sealed(publicKey, signed);

/** A broker; what it decides by is seen through the weighing it is given: its own fold again and again, one that was made to judge an old best once. */
export async function broker(ports: Ports, run: string, daemon: Daemon): Promise<Started> {
  let fold: Lineage | null = null;
  const weighed = new WeakSet<Lineage>();
  const see = (lineage: Lineage): Lineage => {
    if (weighed.has(lineage)) fold = lineage;
    weighed.add(lineage);
    return lineage;
  };
  const started = await startBroker(ports, {
    admit, verify, calibrations: { find: async () => null, keep: async () => undefined },
    trials: { weigh: (lineage, row) => weigh(see(lineage), row), weighClaim: (lineage) => weighClaim(see(see(lineage))), open: openTrial },
  }, { run, signal: never(), name: daemon.name, boot: `b${daemon.start}` });
  return { done: started.done, lineage: () => fold };
}

/** A disk that outlives daemons: what one of them applied is there for the next, and nobody writes once he is gone. */
export interface Disk { store: FactStore }
export const disk = (): Disk => ({ store: volatileStore(null) });

/** A lineage keeper on a disk. */
export async function keeper(ports: Ports, run: string, daemon: Daemon, { store }: Disk): Promise<Started> {
  const mine: FactStore = { ...store, apply: (facts) => { if (!daemon.isGone) store.apply(facts); }, clear: () => { if (!daemon.isGone) store.clear(); }, [Symbol.asyncDispose]: async () => undefined };
  const { done, lineage } = await startLineage(ports, { store: mine, verify }, { run, signal: never() });
  return { done, lineage: () => lineage };
}

const PHASE = { auditor: null, clock: 'wall', budgetSeconds: 60, toleranceSeconds: 1, wallSeconds: 120, milestones: [], data: [] } as const;
const SPEC: EvaluatorSpec = {
  name: 'toy', objective: STARTED.objective, scoreSource: 'evaluator', seeds: 1, scoreSeconds: null, python: null, mounts: {}, folders: [], gates: [], canaries: [], columns: [], hash: HASH,
  phases: [{ ...PHASE, name: 'train', role: 'train', command: ['python', 'train.py'], scorer: null }, { ...PHASE, name: 'eval', role: 'eval', command: ['python', 'eval.py'], scorer: ['python', 'score.py'] }],
  artifact: { file: 'artifact', capBytes: null }, limits: { memoryBytes: 1, processes: 1, openFiles: 1, scratchBytes: 1000, logBytes: 1000 },
};
const SURFACE: Surface = { name: 'toy', title: 'toy', evaluator: 'toy', roster: [], claims: [], addable: [], slots: { kind: 'cpu', count: 1, minimumMemoryBytes: 0 }, calibrationReplicates: 2, limits: { trials: 5, wallSeconds: 100 }, hash: HASH };

/** An evaluator on its host. */
export async function evaluator(ports: Ports, daemon: Daemon, host: Host, server: Server, seed: number): Promise<Started> {
  const at = new Map<string, string>();
  const bus: Bus = {
    ...ports.bus,
    tell(message, ids, body) { // a phase is told of in the breath that starts it
      const told = message.pattern === Progress.pattern ? Progress.body.safeParse(body).data : undefined;
      const place = message.pattern === Progress.pattern ? Progress.idsOf(message.subject(ids)) : null;
      if (told && place) at.set(place.slot, `${told.trial}.${told.replicate}`);
      ports.bus.tell(message, ids, body);
    },
  };
  const leaseAt = (slot: string): Lease | null => {
    for (let i = daemon.reached - 1; i >= 0; i--) {
      const fact = server.facts[i];
      if (fact?.word === 'lease.granted' && `${fact.ids[0]}.${fact.ids[1]}` === at.get(slot) && fact.body.node === host.name && fact.body.slots.includes(slot)) return fact.body;
    }
    return null;
  };
  const boot = `b${daemon.start}`;
  const publicKey = `key-${host.name}-${boot}`;
  const drawn = dice('draw', seed, daemon.id);
  const started = await startEvaluator({ ...ports, bus }, {
    sandbox: host.sandbox(daemon, leaseAt), workbench: host.workbench(daemon, HASH), signer: { publicKey, sign: (signed) => sealed(publicKey, signed) },
    draw: () => ({ seed: drawn.whole(0, 2 ** 31 - 1), secret: 'secret' }),
  }, { node: host.name, surface: SURFACE, spec: SPEC, signal: never(), boot, slots: host.slots.map((slot, i) => ({ slot, kind: 'cpu', memoryBytes: 1, cores: [i] })) });
  return { done: started.done, lineage: () => null };
}

/** A specialist that thinks at once: gains, losses, crashes and foreign symbols, as the dice fall. */
export async function specialist(ports: Ports, run: string, name: string, seed: number): Promise<Started> {
  let thoughts = 0;
  const proposer: Proposer = {
    async propose({ best, asOf }) {
      if (best === null) return { kind: 'nothing', reason: 'there is no best yet' };
      const drawn = dice('thought', seed, name, asOf, thoughts++);
      const now = best.score ?? 2.5;
      const loss = (change: number): string => `loss=${(now + change).toFixed(3)}`;
      const patch = drawn.pick([() => loss(-drawn.between(0.05, 0.3)), () => loss(-drawn.between(0.05, 0.3)), () => loss(-drawn.between(0, 0.03)), () => loss(drawn.between(0, 0.2)), () => `crash ${drawn.whole(1, 5)}`, () => `refuse ${drawn.whole(1, 3)}`])();
      return { kind: 'proposal', draft: { parent: best.trial, hypothesis: `let us try ${patch}`, expectedDelta: -0.1, patch, parts: [], proposer: { kind: 'search', strategy: 'screen', moves: [] }, tokens: 0, money: 0 } };
    },
  };
  const started = startSpecialist(ports, { proposer }, { run, specialist: name, lineage: true, concurrent: 1, signal: never() });
  return { done: started.done, lineage: () => null };
}
