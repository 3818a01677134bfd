import { startBroker, type Admit, type Pool } from '../../src/actors/broker/index.ts';
import { openTrial, weigh, weighClaim } from '../../src/actors/trial/index.ts';
import { memoryPorts, virtualClock, type VirtualClock } from '../../src/adapters/memory/index.ts';
import type { Calibrated, Fact, NodeEnrolled, RunStarted } from '../../src/domain/fact.ts';
import { emptyLineage, grow, type Lineage, type Verify } from '../../src/domain/lineage.ts';
import type { Lease, Measurement } from '../../src/domain/measurement.ts';
import { canonicalRecipe, type Recipe } from '../../src/domain/recipe.ts';
import type { Proposal, Rejection } from '../../src/domain/trial.ts';
import type { Ports } from '../../src/ports.ts';
import { Pulse } from '../../src/protocols/actor.ts';
import { ProposeTrial, RenewLease } from '../../src/protocols/trial.ts';
import { HASH, measurement, STARTED } from './story.ts';

/** A run in memory on a virtual clock: the real broker and trials, a node that measures by a function, and proposals by hand. */
export interface World {
  readonly ports: ReturnType<typeof memoryPorts>;
  readonly clock: VirtualClock;
  /** Starts a broker, which may see the world through ports of its own and share its slots. */
  startBroker(through?: Ports, pool?: Pool): Promise<{ readonly done: Promise<void> } & AsyncDisposable>;
  /** Starts a node; a deaf one takes leases and never renews nor measures. */
  startNode(node: string, options?: { readonly slots?: number; readonly deaf?: boolean; readonly enrolled?: Partial<NodeEnrolled> }): Promise<{ stop(): void; readonly running: ReadonlyMap<string, string> }>;
  propose(patch: string, more?: Partial<Proposal>): ReturnType<Ports['bus']['ask']>;
  /** Moves time until the question is answered yes by the folded journal. */
  until(question: (lineage: Lineage) => boolean): Promise<Lineage>;
  facts(): Promise<Fact[]>;
  readonly overlaps: string[];
}

export interface WorldOptions {
  readonly started?: Partial<RunStarted>;
  readonly measure: (lease: Lease, recipe: string) => Measurement;
  readonly durationMs?: number | ((lease: Lease) => number);
  /** A clock that it shares with other runs; its own unless given. */
  readonly clock?: VirtualClock;
  /** How a trial says how it ended; at once unless given. */
  readonly open?: typeof openTrial;
  /** Whether a signature holds; every one does unless given. */
  readonly verify?: Verify;
  /** The free checks, and the recipe they begin with; a patch is the recipe unless given. */
  readonly surface?: { readonly admit: Admit; readonly recipe: Recipe };
  readonly calibrations?: { find(): Promise<Calibrated | null>; keep(): Promise<void> };
}

const RUN = 'toy-1';

/** Admits every patch; its text becomes the recipe. `refuse…` is refused as another's symbol. */
export const admit = async ({ patch, known }: { patch: string; known: (recipe: Record<string, string>) => Promise<string | null> }) => {
  const recipe = { 'recipe.py': patch };
  const twin = await known(recipe);
  const rejection = (rule: Rejection['rule'], owner: string | null, message: string) => ({ kind: 'rejected' as const, rejection: { rule, file: 'model.py', symbol: 'Block', owner, message } });
  if (patch.startsWith('refuse')) return rejection('ownership', 'data', 'Block is data\'s');
  return twin ? rejection('duplicate', null, `the same recipe as ${twin}`) : { kind: 'admitted' as const, recipe };
};

export async function world(options: WorldOptions): Promise<World> {
  const clock = options.clock ?? virtualClock(1_700_000_000_000);
  const ports = memoryPorts(RUN, clock);
  const snapshot = await ports.blobs.put(new TextEncoder().encode(canonicalRecipe(options.surface?.recipe ?? { 'recipe.py': 'baseline' })));
  await ports.journal.record('run.started', [], { ...STARTED, ...options.started, snapshot });
  const overlaps: string[] = [];
  let asked = 0;
  const fold = async (): Promise<Lineage> => {
    const lineage = emptyLineage();
    for (const fact of await world.facts()) grow(lineage, fact, RUN, () => true);
    return lineage;
  };
  const world: World = {
    ports, clock, overlaps,
    startBroker: (through = ports, pool) => startBroker(through, { admit: options.surface?.admit ?? admit, trials: { weigh, weighClaim, open: options.open ?? openTrial }, calibrations: options.calibrations ?? { find: async () => null, keep: async () => undefined }, verify: options.verify ?? (() => true) }, { run: RUN, signal: new AbortController().signal, ...(pool === undefined ? {} : { pool }) }),
    async startNode(node, { slots = 2, deaf = false, enrolled = {} } = {}) {
      const stop = new AbortController();
      const running = new Map<string, string>();
      const over = new Set<string>();
      const boot = `b${clock.now()}`;
      await ports.journal.record('node.enrolled', [node, boot], { publicKey: 'k', slots: Array.from({ length: slots }, (_, i) => ({ slot: `cpu${i}`, kind: 'cpu' as const, memoryBytes: 1 })), device: 'cpu/test', evaluatorHash: HASH, environmentHash: HASH, sandbox: 'bubblewrap', canaries: [], ...enrolled });
      const pulse = async (): Promise<void> => {
        while (!stop.signal.aborted) {
          ports.bus.tell(Pulse, { run: RUN, actor: 'evaluator', name: node }, { actor: 'evaluator', name: node, run: RUN, pid: 1, state: 'idle', sinceMs: 0, why: '', context: {} });
          await clock.wait(500, stop.signal).catch(() => undefined);
        }
      };
      const work = async (lease: Lease): Promise<void> => {
        for (const slot of lease.slots) {
          if (running.has(slot)) overlaps.push(`${node}/${slot}: ${running.get(slot)} and ${lease.trial}.${lease.replicate}`);
          running.set(slot, `${lease.trial}.${lease.replicate}`);
        }
        const heldMs = typeof options.durationMs === 'function' ? options.durationMs(lease) : options.durationMs ?? 1000;
        const until = clock.now() + heldMs;
        while (clock.now() < until) {
          await clock.wait(Math.min(500, until - clock.now()), stop.signal);
          const answer = await ports.bus.ask(RenewLease, { run: RUN }, { trial: lease.trial, replicate: lease.replicate, attempt: lease.attempt, node }, { timeoutMs: 1000 }).catch(() => null);
          if (over.has(`${lease.trial}.${lease.replicate}.${lease.attempt}`)) return;
          if (answer?.kind === 'lapsed') { for (const slot of lease.slots) running.delete(slot); return; }
        }
        for (const slot of lease.slots) running.delete(slot);
        const recipe = new TextDecoder().decode((await ports.blobs.get(lease.snapshot)) ?? new Uint8Array());
        await ports.journal.record('trial.measured', [lease.trial, lease.replicate, String(lease.attempt), node], { measurement: options.measure(lease, recipe), signature: '', heldMs });
      };
      void (async () => {
        for await (const fact of ports.journal.follow({ after: await ports.journal.position(), signal: stop.signal })) {
          if (fact.word === 'lease.lapsed') {
            over.add(fact.ids.join('.'));
            for (const [slot, at] of running) if (at === `${fact.ids[0]}.${fact.ids[1]}`) running.delete(slot);
          }
          if (fact.word === 'lease.granted' && fact.body.node === node && !deaf) void work(fact.body).catch(() => undefined);
        }
      })();
      if (!deaf) void pulse();
      return { stop: () => stop.abort(new Error('node died')), running };
    },
    propose: (patch, more = {}) => ports.bus.ask(ProposeTrial, { run: RUN }, {
      clientId: `c${++asked}`, feedback: null,
      proposal: { specialist: 'optimizer', parent: 't0000', asOf: 1, hypothesis: `try ${patch.split('\n')[0]} because`, expectedDelta: -0.1, patch, tokens: 0, money: 0, ...more, parts: [...more.parts ?? []], proposer: { kind: 'search', strategy: 'screen', ...more.proposer, moves: [...more.proposer?.moves ?? []] } },
    }, { timeoutMs: 60_000 }),
    async until(question) {
      for (let i = 0; i < 3000; i++) {
        const lineage = await fold();
        if (question(lineage)) return lineage;
        await clock.advance(100);
      }
      throw new Error('five virtual minutes passed and it never came true');
    },
    async facts() {
      const end = await ports.journal.position();
      const found: Fact[] = [];
      const stop = new AbortController();
      if (end > 0) for await (const fact of ports.journal.follow({ after: 0, signal: stop.signal })) { found.push(fact); if (fact.seq >= end) break; }
      stop.abort();
      return found;
    },
  };
  return world;
}

/** A score that the patch names and the replicate shakes a little, the same for the same replicate. */
export const byPatch = (lease: { readonly replicate: string }, recipe: string): Measurement => {
  const named = /loss=([\d.]+)/.exec(recipe)?.[1];
  const shake = ((lease.replicate.charCodeAt(1) * 37) % 11) / 1000;
  return recipe.includes('crash') ? measurement(null, { kind: 'crash', phase: 'train', exception: 'ValueError', frame: 'model.py:3' }) : measurement((named ? Number(named) : 2.5) + shake);
};
