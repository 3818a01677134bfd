import type { NodeEnrolled } from '../../domain/fact.ts';
import type { NodeId, SlotId } from '../../domain/ids.ts';
import type { Lease, Measurement } from '../../domain/measurement.ts';
import type { EvaluatorSpec, Surface } from '../../domain/surface.ts';
import type { PassedCanary, Ports, Sandbox, Signer, Workbench } from '../../ports.ts';
import { PrepareRecipe } from '../../protocols/measurement.ts';
import { openAhead } from './ahead.ts';
import { CanaryFailed, judgeCanaries, runCanaries } from './canary.ts';
import { drawFresh, readRecipe, slotActor, type Draw, type NodeTools, type SlotActor, type SlotPlace } from './effects.ts';
import { leaseBook } from './lease.ts';
import { requireFreeName } from './name.ts';
import { publisher } from './publisher.ts';
import type { Work } from './work.ts';

export { CanaryFailed } from './canary.ts';
export { NameTaken } from './name.ts';

// One node: its slots, what is leased to them, and what it says of them.
//
//   V1. A node that its canaries do not trust enrols nothing.
//   V2. The node is the last authority over its slots: a lease for a slot that is not clean waits, however sure the broker is.
//   V3. Nothing is taken that was leased before this start enrolled.
//   V4. A name has one node: the newest key of a name is the only one that counts, so a second node would undo the work of the first.
//   V5. A node with a slot that cannot be cleared finishes what the others hold and fails: only a new start clears it.

export interface EvaluatorNeeds {
  readonly sandbox: Sandbox;
  readonly workbench: Workbench;
  readonly signer: Signer;
  /** Where seeds and secrets come from; the system's randomness unless a simulation brings its own. */
  readonly draw?: () => Draw;
}

export interface EvaluatorOptions {
  readonly node: NodeId;
  readonly surface: Surface;
  readonly spec: EvaluatorSpec;
  readonly slots: readonly { readonly slot: SlotId; readonly kind: 'cpu' | 'gpu'; readonly memoryBytes: number; readonly cores: readonly number[] }[];
  /** Aborting drains: what is held is finished, nothing more is taken, and `done` resolves. Disposing stops at once. */
  readonly signal: AbortSignal;
  /** New at every start; made here unless given. */
  readonly boot?: string;
}

export interface Evaluator extends AsyncDisposable { readonly done: Promise<void> }

/** Starts the evaluator of one node: canaries, enrolment, then leases until told to stop. Throws CanaryFailed when the evaluator is not to be trusted, and NameTaken when it is one too many. */
export async function startEvaluator(ports: Ports, needs: EvaluatorNeeds, options: EvaluatorOptions): Promise<Evaluator> {
  const { node, spec, signal } = options;
  const { journal, presence, clock } = ports;
  await requireFreeName(ports, node); // V4: asked before anybody could hear ourselves answer
  const stopping = new AbortController();
  const opened: AsyncDisposable[] = [];
  const own = <T extends AsyncDisposable>(thing: T): T => { opened.unshift(thing); return thing; };
  const ahead = own(openAhead(async (snapshot) => {
    const recipe = await readRecipe(ports, snapshot);
    return recipe === null ? null : needs.workbench.stage('ahead', recipe);
  }, options.slots.length));
  const tools: NodeTools = { node, spec, level: needs.sandbox.level, workbench: needs.workbench, signer: needs.signer, draw: needs.draw ?? drawFresh, smoked: new Set(), ahead };
  const release = async (): Promise<void> => { for (const thing of opened.splice(0)) await thing[Symbol.asyncDispose](); };
  const actors = new Map<SlotId, SlotActor>();
  let broken: SlotId | null = null;
  let stage: 'opening' | 'calibrating' | 'serving' | 'draining' | 'stopped' = 'opening';
  const seen = own(presence.announce({ actor: 'evaluator', name: node, run: journal.run, read: () => ({ state: stage, why: why(stage, actors, broken), context: Object.fromEntries([...actors].map(([slot, actor]) => [slot, describe(actor)])) }) }));
  const move = (next: typeof stage): void => { stage = next; seen.changed(); };

  try {
    const places: SlotPlace[] = [];
    for (const slot of options.slots) places.push({ slot: slot.slot, sandbox: own(await needs.sandbox.open(slot)) });
    move('calibrating');
    const canaries = await passCanaries(places, ports, tools, AbortSignal.any([signal, stopping.signal])); // V1
    const enrolledAt = await enrol(ports, needs, options, canaries);
    const book = leaseBook(node);
    const isFree = (slot: SlotId): boolean => actors.get(slot)?.getSnapshot().value === 'idle' && !reserved().has(slot);
    const reserved = (): Set<SlotId> => new Set([...actors.values()].flatMap((actor) => { const { work } = actor.getSnapshot().context; return work?.slots.slice(1) ?? []; }));
    const pump = (): void => {
      if (stage !== 'serving') return;
      for (const lease of book.due()) {
        if (!lease.slots.every(isFree)) continue; // V2
        book.take(lease);
        actors.get(lease.slots[0] ?? '')?.send({ type: 'lease.granted', work: workOf(lease, tools, clock.now()) });
      }
    };
    const publish = publisher(ports, needs.signer, node);
    for (const place of places) {
      const actor = slotActor(place, ports, tools, publish);
      actors.set(place.slot, actor);
      actor.subscribe({
        next: (snapshot) => {
          seen.changed();
          if (snapshot.value === 'idle') queueMicrotask(pump);
          if (snapshot.value !== 'broken' || stage !== 'serving') return;
          broken = place.slot; // V5
          drain();
        },
        error: (error) => presence.log('error', 'a slot failed', { slot: place.slot, error: String(error) }),
      });
      actor.start();
    }
    move('serving');
    own(ports.bus.serve(PrepareRecipe, { run: journal.run, node }, ({ snapshot }) => {
      if (stage === 'serving') ahead.expect(snapshot);
      return { kind: 'noted' };
    }));

    const drained = Promise.all([...actors.values()].map((actor) => new Promise<void>((resolve) => {
      actor.subscribe({ next: (snapshot) => { if (snapshot.value === 'broken' && stage === 'draining') resolve(); }, complete: resolve, error: () => resolve() });
    })));
    const tellAll = (type: 'node.draining' | 'node.stopping'): void => { for (const actor of actors.values()) if (actor.getSnapshot().status === 'active') actor.send({ type }); };
    const drain = (): void => { move('draining'); tellAll('node.draining'); };
    if (signal.aborted) drain(); else signal.addEventListener('abort', drain, { once: true });

    const following = (async () => {
      for await (const fact of journal.follow({ after: enrolledAt, signal: stopping.signal, onUnreadable: ({ seq, subject, reason }) => presence.log('warn', 'a journal message was passed over', { seq, subject, reason }) })) {
        book.apply(fact); // V3
        if (fact.word === 'lease.lapsed') for (const actor of actors.values()) if (isAt(actor, fact.ids)) actor.send({ type: 'lease.lapsed' }); // its next renewal would say so too, later
        pump();
      }
    })().catch((error: unknown) => { if (!stopping.signal.aborted) throw error; });

    const done = Promise.race([drained.then(() => undefined), following.then(() => drained).then(() => undefined)])
      .then(() => { if (broken !== null) throw new Error(`${broken} could not be cleared after its last measurement: its log says why, and a new start clears it`); }) // V5
      .finally(() => { stopping.abort(new Error('the evaluator ended')); signal.removeEventListener('abort', drain); move('stopped'); });
    done.catch(() => undefined); // whoever waits for it is told; nobody must
    return {
      done,
      async [Symbol.asyncDispose]() {
        stage = 'draining';
        tellAll('node.stopping');
        await drained;
        stopping.abort(new Error('the evaluator was stopped'));
        await following.catch(() => undefined);
        await release();
      },
    };
  } catch (error) {
    stopping.abort(error);
    await release();
    throw error;
  }
}

async function passCanaries(places: readonly SlotPlace[], ports: Ports, tools: NodeTools, signal: AbortSignal): Promise<readonly PassedCanary[]> {
  const known = await tools.workbench.recallCanaries();
  if (known !== null) return known;
  const begun = ports.clock.now();
  const differs = await tools.workbench.differs();
  if (differs !== null) throw new CanaryFailed('data', `calibration refused: ${differs} is not what set-up made of it: set the surface up again.`);
  const passed = judgeCanaries(tools.spec, await runCanaries(places, ports, tools, signal));
  await tools.workbench.rememberCanaries(passed);
  ports.presence.log('info', 'canaries passed', { canaries: passed.map(({ name, ended }) => `${name}: ${ended}`).join(', '), ms: Math.round(ports.clock.now() - begun) });
  return passed;
}

/** Answers the position of the enrolment in the journal. */
async function enrol({ journal }: Ports, { sandbox, workbench, signer }: EvaluatorNeeds, { node, spec, slots, boot = crypto.randomUUID() }: EvaluatorOptions, canaries: readonly PassedCanary[]): Promise<number> {
  const body: NodeEnrolled = {
    publicKey: signer.publicKey, slots: slots.map(({ slot, kind, memoryBytes }) => ({ slot, kind, memoryBytes })), device: workbench.device,
    evaluatorHash: spec.hash, environmentHash: workbench.environmentHash, sandbox: sandbox.level, canaries,
  };
  const said = await journal.record('node.enrolled', [node, boot], body);
  if (said.kind === 'taken') throw new Error(`${node} has enrolled as ${boot} before: every start needs a name of its own`);
  return said.seq;
}

const workOf = (lease: Lease, tools: NodeTools, takenMs: number): Work => ({
  trial: lease.trial, replicate: lease.replicate, attempt: lease.attempt, purpose: lease.purpose, slots: lease.slots, ttlMs: lease.ttlMs,
  source: { kind: 'snapshot', snapshot: lease.snapshot }, smoke: !tools.smoked.has(lease.snapshot), trainSeconds: null, takenMs,
});

function isAt(actor: SlotActor, [trial, replicate, attempt]: readonly [string, string, string]): boolean {
  const { work } = actor.getSnapshot().context;
  return work !== null && work.trial === trial && work.replicate === replicate && work.attempt === Number(attempt);
}

function describe(actor: SlotActor): string {
  const { value, context } = actor.getSnapshot();
  const state = typeof value === 'string' ? value : Object.values(value)[0] ?? 'measuring';
  return context.work === null ? state : `${context.work.trial} ${context.work.replicate} ${state}`;
}

function why(stage: string, actors: ReadonlyMap<SlotId, SlotActor>, broken: SlotId | null): string {
  if (broken !== null) return `${broken} is broken: the node starts again when its other slots have finished`;
  if (stage === 'calibrating') return 'running its canaries';
  if (stage !== 'serving') return stage;
  const busy = [...actors.values()].filter((actor) => actor.getSnapshot().context.work !== null).length;
  return busy === actors.size ? 'every slot is busy' : `${actors.size - busy} of ${actors.size} slots wait for a lease`;
}

export type { Draw, Measurement };
