import type { EnrolledSlot } from '../../domain/fact.ts';
import type { NodeId, SlotId } from '../../domain/ids.ts';
import type { Lease, Measurement } from '../../domain/measurement.ts';
import type { EvaluatorSpec, Surface } from '../../domain/surface.ts';
import type { Devices, PassedCanary, Ports, Sandbox, Signer, Workbench } from '../../ports.ts';
import { PrepareRecipe } from '../../protocols/measurement.ts';
import { openAhead } from './ahead.ts';
import { CanaryFailed, judgeCanaries, runCanaries } from './canary.ts';
import { drawFresh, readRecipe, slotActor, type Draw, type NodeTools, type SlotActor, type SlotPlace } from './effects.ts';
import { enrol, enrolAgain } from './enrolment.ts';
import { leaseBook, leasesInWait } from './lease.ts';
import { NameTaken, requireFreeName } from './name.ts';
import { publisher } from './publisher.ts';
import type { Unclean } from './tenancy.ts';
import type { Work } from './work.ts';

export { CanaryFailed } from './canary.ts';
export { NameTaken } from './name.ts';

// One node: its slots, what is leased to them, and what it says of them.
//
//   V1. A node that its canaries do not trust enrols nothing.
//   V2. The node is the last authority over its slots: a lease for a slot that is not clean waits, however sure the broker is.
//   V3. Nothing is taken that was leased before this start enrolled.
//   V4. A name has one node: the newest key of a name is the only one that counts, so a second node would undo the work of the first. One that comes back
//       from a pause and reads that another has enrolled under its name ends at once: nothing that it measures counts any more.
//   V5. A slot that does not come back clean is drained: the node says so by enrolling again without it, and goes on with the others. When those are too
//       few for a replicate it finishes what they hold and fails: only a new start clears a slot.
//   V6. A node that can measure nothing more, because its disk is full or a trusted file is not what it was, finishes what it can and fails: every lease it took
//       would be an attempt lost. So is a slot drained that could measure none of several trials in a row, whatever is wrong with it.

export interface EvaluatorNeeds {
  readonly sandbox: Sandbox;
  readonly workbench: Workbench;
  readonly signer: Signer;
  /** The accelerators that slots are of; absent where they are of cores alone. */
  readonly devices?: Devices;
  /** Where seeds and secrets come from; the system's randomness unless a simulation brings its own. */
  readonly draw?: () => Draw;
}

export interface EvaluatorOptions {
  readonly node: NodeId;
  readonly surface: Surface;
  readonly spec: EvaluatorSpec;
  readonly slots: readonly OfferedSlot[];
  /** How long a slot may take to come back clean; half a minute unless told otherwise. */
  readonly cleanMs?: number;
  /** Aborting drains: what is held is finished, nothing more is taken, and `done` resolves. Disposing stops at once. */
  readonly signal: AbortSignal;
  /** New at every start; made here unless given. */
  readonly boot?: string;
}

/** A slot as this machine has it: its cores, and the names of what it must be alone on and of what it shares with slots of other runs. */
export interface OfferedSlot extends EnrolledSlot { readonly cores: readonly number[]; readonly locks?: readonly string[]; readonly shared?: readonly string[] }

/** A driver takes a while to take memory back, and a killed process to go. */
const CLEAN_MS = 30_000;

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
  const places = new Map<SlotId, SlotPlace>();
  const waits = new Map<SlotId, string>();
  const lost = new Map<SlotId, string>();
  const tools: NodeTools = {
    node, spec, level: needs.sandbox.level, workbench: needs.workbench, signer: needs.signer, draw: needs.draw ?? drawFresh, smoked: new Set(), ahead,
    ground: {
      placeOf: (slot) => places.get(slot), devices: needs.devices ?? null, cleanMs: options.cleanMs ?? CLEAN_MS, drain: (unclean) => lose(unclean), fail: (why, what) => giveUp(why, what),
      tell(slot, why) {
        if (waits.get(slot) === (why ?? undefined)) return;
        if (why === null) waits.delete(slot); else waits.set(slot, why);
        seen.changed();
      },
    },
  };
  const release = async (): Promise<void> => { for (const thing of opened.splice(0)) await thing[Symbol.asyncDispose](); };
  const actors = new Map<SlotId, SlotActor>();
  let broken: string | null = null;
  let replaced: NameTaken | null = null;
  let stage: 'opening' | 'calibrating' | 'serving' | 'draining' | 'stopped' = 'opening';
  const seen = own(presence.announce({ actor: 'evaluator', name: node, run: journal.run, read: () => ({ state: stage, why: why(stage, actors, waits, lost, broken), context: Object.fromEntries([...actors].map(([slot, actor]) => [slot, describe(actor)])) }) }));
  const move = (next: typeof stage): void => { stage = next; seen.changed(); };
  const left = (): OfferedSlot[] => options.slots.filter(({ slot }) => !lost.has(slot));
  let goOn = (): void => undefined;
  let giveUp = (_why: string, _remedy: string): void => undefined;
  let remedy = 'a new start clears it';
  const lose = (unclean: readonly Unclean[]): void => { // V5
    const fresh = unclean.filter(({ slot }) => !lost.has(slot));
    for (const { slot, why: reason } of fresh) {
      lost.set(slot, reason);
      presence.log('error', 'a slot did not come back clean and is drained', { slot, reason });
      actors.get(slot)?.send({ type: 'slot.drained' });
      void places.get(slot)?.sandbox[Symbol.asyncDispose](); // what lives in it dies, and its locks are free when that is dead
    }
    if (fresh.length > 0) goOn();
  };

  try {
    for (const { slot, cores, index, locks = [], shared = [] } of options.slots) places.set(slot, { slot, cores, device: index ?? null, locks, shared, sandbox: own(await needs.sandbox.open({ slot, cores })) });
    move('calibrating');
    const canaries = await passCanaries([...places.values()], options.surface.slots.count, ports, tools, AbortSignal.any([signal, stopping.signal])); // V1
    if (left().length < options.surface.slots.count) throw new Error(`${tooFew(lost)} during the canaries`);
    const enrolledAt = await enrol(ports, needs, { ...options, slots: left() }, canaries);
    const book = leaseBook(node);
    const isFree = (slot: SlotId): boolean => actors.get(slot)?.getSnapshot().value === 'idle' && !reserved().has(slot);
    const reserved = (): Set<SlotId> => new Set([...actors.values()].flatMap((actor) => { const { work } = actor.getSnapshot().context; return work?.slots.slice(1) ?? []; }));
    const waiting = leasesInWait(ports, node);
    const mayBegin = (slot: SlotId): boolean => !lost.has(slot) && actors.get(slot)?.getSnapshot().status === 'active';
    const pump = (): void => {
      if (stage !== 'serving') { waiting.hold([]); return; }
      for (const lease of book.due()) {
        if (!lease.slots.every(isFree)) continue; // V2
        book.take(lease);
        actors.get(lease.slots[0] ?? '')?.send({ type: 'lease.granted', work: workOf(lease, tools, clock.now()) });
      }
      waiting.hold(book.due().filter(({ slots }) => slots.every(mayBegin))); // V2
    };
    const publish = publisher(ports, needs.signer, node);
    for (const place of [...places.values()].filter(({ slot }) => !lost.has(slot))) {
      const actor = slotActor(place, ports, tools, publish);
      actors.set(place.slot, actor);
      actor.subscribe({
        next: (snapshot) => {
          seen.changed();
          if (snapshot.value === 'idle') queueMicrotask(pump);
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
      actor.subscribe({ complete: resolve, error: () => resolve() });
    })));
    const tellAll = (type: 'node.draining' | 'node.stopping'): void => { for (const actor of actors.values()) if (actor.getSnapshot().status === 'active') actor.send({ type }); };
    const drain = (): void => { move('draining'); tellAll('node.draining'); };
    if (signal.aborted) drain(); else signal.addEventListener('abort', drain, { once: true });

    let enrolled: Promise<void> = Promise.resolve();
    goOn = () => { // V5
      if (stage !== 'serving') return;
      if (left().length < options.surface.slots.count) {
        broken = tooFew(lost);
        drain();
        return;
      }
      const [slots, gone] = [left(), new Map(lost)];
      enrolled = enrolled.then(() => enrolAgain(ports, needs, { ...options, slots }, canaries, gone, stopping.signal)).catch(() => undefined); // it was stopped
    };

    giveUp = (why, what) => { // V6
      if (stage !== 'serving') return;
      [broken, remedy] = [why, what];
      drain();
    };

    const following = (async () => {
      for await (const fact of journal.follow({ after: enrolledAt, signal: stopping.signal, onUnreadable: ({ seq, subject, reason }) => presence.log('warn', 'a journal message was passed over', { seq, subject, reason }) })) {
        if (replaced === null && fact.word === 'node.enrolled' && fact.ids[0] === node && fact.body.publicKey !== needs.signer.publicKey) { // V4
          replaced = new NameTaken(node, `another evaluator has enrolled in ${journal.run} as ${node} since: give each its own --node, or end one of them`);
          presence.log('error', replaced.message, { boot: fact.ids[1] });
          move('draining');
          tellAll('node.stopping');
        }
        book.apply(fact); // V3
        if (fact.word === 'lease.lapsed') for (const actor of actors.values()) if (isAt(actor, fact.ids)) actor.send({ type: 'lease.lapsed' }); // its next renewal would say so too, later
        pump();
      }
    })().catch((error: unknown) => { if (!stopping.signal.aborted) throw error; });

    const done = Promise.race([drained.then(() => undefined), following.then(() => drained).then(() => undefined)])
      .then(() => { if (replaced !== null) throw replaced; if (broken !== null) throw new Error(`${broken} after its last measurement: ${remedy}`); }) // V5
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

async function passCanaries(places: readonly SlotPlace[], gang: number, ports: Ports, tools: NodeTools, signal: AbortSignal): Promise<readonly PassedCanary[]> {
  const known = await tools.workbench.recallCanaries();
  if (known !== null) return known;
  const begun = ports.clock.now();
  const differs = await tools.workbench.differs();
  if (differs !== null) throw new CanaryFailed('data', `calibration refused: ${differs} is not what set-up made of it: set the surface up again.`);
  const passed = judgeCanaries(tools.spec, await runCanaries(places, gang, ports, tools, signal));
  await tools.workbench.rememberCanaries(passed);
  ports.presence.log('info', 'canaries passed', { canaries: passed.map(({ name, ended }) => `${name}: ${ended}`).join(', '), ms: Math.round(ports.clock.now() - begun) });
  return passed;
}

const tooFew = (lost: ReadonlyMap<SlotId, string>): string => [...lost].map(([slot, reason]) => `${slot} could not be cleared (${reason})`).join(', ');

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

function why(stage: string, actors: ReadonlyMap<SlotId, SlotActor>, waits: ReadonlyMap<SlotId, string>, lost: ReadonlyMap<SlotId, string>, broken: string | null): string {
  const [waiting] = waits;
  if (broken !== null) return `${broken}: the node starts again when its other slots have finished`;
  if (waiting !== undefined) return `${waiting[0]} waits: ${waiting[1]}`;
  if (stage === 'calibrating') return 'running its canaries';
  if (stage !== 'serving') return stage;
  const busy = [...actors].filter(([slot, actor]) => !lost.has(slot) && actor.getSnapshot().context.work !== null).length;
  const slots = actors.size - lost.size;
  return `${busy === slots ? 'every slot is busy' : `${slots - busy} of ${slots} slots wait for a lease`}${lost.size > 0 ? `; drained: ${[...lost.keys()].join(', ')}` : ''}`;
}

export type { Draw, Measurement };
