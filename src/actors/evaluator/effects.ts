import { createActor, fromPromise, type ActorRefFrom } from 'xstate';
import type { BlobHash, NodeId } from '../../domain/ids.ts';
import type { Measurement } from '../../domain/measurement.ts';
import type { Recipe } from '../../domain/recipe.ts';
import type { EvaluatorSpec, PhaseSpec } from '../../domain/surface.ts';
import type { Bench, PhaseEnd, PhaseJob, Ports, Sealed, Signer, Workbench } from '../../ports.ts';
import { Progress } from '../../protocols/actor.ts';
import { ReadRecipe } from '../../protocols/lineage.ts';
import { ScoredSchema, type Scored } from '../../protocols/scored.ts';
import type { Ahead } from './ahead.ts';
import { abandon, afterPhase, afterSeal, conclude, isDiskFull, nothingFound, type Findings } from './decide.ts';
import { keepLease } from './lease.ts';
import { slotMachine } from './machine.ts';
import { readingsOfSeed } from './seeds.ts';
import { openTenancy, SILENCE, type Ground, type SlotPlace } from './tenancy.ts';
import type { Work } from './work.ts';

// What a slot does.
//
//   X1. Trusted files are compared with their pins before a measurement and after every phase.
//   X2. The seed a recipe gets and the secret its scorer draws from are made here, once for each attempt, and another for each further seed of it; nothing of one seed is laid out for the next.
//   X3. Whatever waits for this machine waits for so long and no longer: a lease that has had its time is let go, and a slot that does not come to rest is drained.

export type { SlotPlace } from './tenancy.ts';

/** What all slots of a node have in common. */
export interface NodeTools {
  readonly node: NodeId;
  readonly spec: EvaluatorSpec;
  readonly level: Measurement['sandbox'];
  readonly workbench: Workbench;
  readonly signer: Signer;
  readonly draw: () => Draw;
  /** Snapshots that passed their smoke run on this node. */
  readonly smoked: Set<BlobHash>;
  /** Recipes that lie ready for the next leases. */
  readonly ahead: Ahead;
  readonly ground: Ground;
}

/** A seed for the recipe, and a secret it never learns. */
export interface Draw { readonly seed: number; readonly secret: string }

/** A fresh draw from the system's own randomness. */
export const drawFresh = (): Draw => ({
  seed: (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) >>> 1, // fits every seed function there is
  secret: [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
});

/** The draw of each further seed of a replicate, made of its first: the seed that is published names them all. */
const drawn = ({ seed, secret }: Draw, ordinal: number): Draw => (ordinal === 0 ? { seed, secret } : { seed: (seed + ordinal) % 2 ** 31, secret: `${secret}${ordinal.toString(16).padStart(2, '0')}` });

/** Scratch of one phase; of a replicate's second seed `train-2`. */
const folderOf = (phase: PhaseSpec, { seeds }: Findings): string => (seeds.length === 0 || phase.role === 'smoke' ? phase.name : `${phase.name}-${seeds.length + 1}`);

/** Trials in a row, not attempts: one whose recipe breaks whatever measures it takes no slot with it. */
const MOST_FAULTS = 3;
/** A slot may take so many times longer to leave off what it is at than to come back clean: an artifact may be large and its disk slow. */
const STUCK = 10;
/** What may go by between the phases, publication included: a journal may be away for a while. */
const BETWEEN_MS = 600_000;
/** As much longer than its wall may a phase take to lay out, to end and to be copied out. */
const OVERDUE_MS = 150_000;

/** The longest that a measurement may take: all its phases to their walls, for every seed. */
const longestMs = (spec: EvaluatorSpec, { purpose }: Work): number =>
  BETWEEN_MS + (spec.seedsFor?.[purpose] ?? spec.seeds) * spec.phases.reduce((sum, { wallSeconds }) => sum + wallSeconds * 1000 + OVERDUE_MS, 0);

export type SlotActor = ActorRefFrom<typeof slotMachine>;

/** Says what became of one piece of work, whose slot was ours from `sinceMs` on; for a lease that is a fact, for a canary a verdict. */
export type Publish = (work: Work, measurement: Measurement, signal: AbortSignal, sinceMs?: number) => Promise<void>;

interface Holding { bench: Bench; readonly draw: Draw; readonly logs: string[]; readonly stamps: Record<string, string>; sealed: Extract<Sealed, { kind: 'sealed' }> | null }

/** The statechart of one slot with its effects. */
export function slotActor(place: SlotPlace, ports: Ports, tools: NodeTools, publish: Publish): SlotActor {
  const { slot, sandbox } = place;
  const { spec, workbench, node, ground } = tools;
  const tenancy = openTenancy(place, ports, ground, node);
  let holding: Holding | null = null;
  let busy: Promise<unknown> = Promise.resolve();
  let clearing: Promise<void> | null = null;
  /** Why this machine could measure none of the trials since the last that it could. */
  const faults = new Map<string, string>();
  const fault = ({ trial, source }: Work, why: string): void => { if (source.kind === 'snapshot') faults.set(trial, why); };
  const held = (): Holding => { if (holding === null) throw new Error(`${slot} holds no recipe`); return holding; };
  /** Whatever writes to the bench or runs on it; a folder that is cleared under it is not empty again when it is removed. */
  const onBench = <T>(doing: Promise<T>): Promise<T> => { busy = doing.catch(() => undefined); return doing; };
  const phaseOf = (role: PhaseSpec['role']): PhaseSpec | null => spec.phases.find((phase) => phase.role === role) ?? null;
  const tell = (work: Work | null, phase: string, seconds: number, budgetSeconds: number): void =>
    ports.bus.tell(Progress, { run: ports.journal.run, node, slot }, { trial: work?.trial ?? null, replicate: work?.replicate ?? null, phase, seconds, budgetSeconds });

  async function stage(work: Work, signal: AbortSignal): Promise<Findings> {
    const changed = await workbench.changed(); // X1
    if (changed !== null) {
      ground.fail(`a trusted file is not what it was (${changed})`, 'a new start takes it as it is, where that is still what the run was started with');
      return abandon(nothingFound, `${changed} changed since this evaluator started: start it again`);
    }
    const hold = (bench: Bench): void => { holding = { bench, draw: tools.draw(), logs: [], stamps: {}, sealed: null }; }; // X2
    const ready = work.source.kind === 'snapshot' ? await tools.ahead.take(work.source.snapshot) : null;
    if (ready !== null && signal.aborted) await ready[Symbol.asyncDispose]();
    signal.throwIfAborted();
    if (ready !== null) { hold(ready); return nothingFound; }
    const recipe = work.source.kind === 'canary' ? work.source.recipe : await readRecipe(ports, work.source.snapshot);
    if (recipe === null) return abandon(nothingFound, 'the snapshot is not in the blob store');
    signal.throwIfAborted();
    await onBench(workbench.stage(slot, recipe).then(hold));
    return nothingFound;
  }

  async function runPhase({ work, role, found, signal }: { work: Work; role: PhaseSpec['role']; found: Findings; signal: AbortSignal }): Promise<Findings> {
    const phase = phaseOf(role);
    if (phase === null) return found;
    if (role === 'train') held().sealed = null; // X2
    const { bench, draw, logs, stamps, sealed } = held();
    const scratch = await bench.scratch(folderOf(phase, found));
    if (role === 'eval' && sealed !== null) await bench.place(sealed, scratch.folder);
    const job = describeJob({ share: tenancy.share(work), spec, phase, work, bench, scratch, workbench, draw: drawn(draw, found.seeds.length), sealed, readings: readingsOfSeed(spec, found.readings), stamps });
    if (job.stamps !== null) stamps[phase.name] = job.stamps;
    signal.throwIfAborted();
    tell(work, phase.name, 0, job.budgetSeconds);
    const running = sandbox.run(job, { signal, onProgress: ({ seconds }) => tell(work, phase.name, seconds, job.budgetSeconds) });
    tenancy.beat();
    const end: PhaseEnd = await running;
    signal.throwIfAborted();
    if (end.kind === 'not-started') notice(work, end.reason);
    if (end.logTail !== '') logs.push(`== ${folderOf(phase, found)}\n${end.logTail}`);
    const changed = await bench.changed() ?? await workbench.changed(); // X1
    const isRead = role === 'smoke' && end.kind === 'exited' && end.code === 0;
    const learnt = afterPhase(found, { ...spec, seeds: spec.seedsFor?.[work.purpose] ?? spec.seeds }, phase, {
      end, changed, ...readScored(end.scored), recipeBytes: bench.recipeBytes,
      sealed: isRead ? await bench.seal(scratch.folder, spec.artifact.file, spec.limits.scratchBytes) : null,
    });
    if (role === 'smoke' && !learnt.isOver && work.source.kind === 'snapshot') tools.smoked.add(work.source.snapshot);
    return learnt;
  }

  async function sealArtifact(found: Findings): Promise<Findings> {
    const phase = phaseOf('train');
    if (phase === null) return found;
    const { bench } = held();
    const sealed = await bench.seal((await bench.scratch(folderOf(phase, found))).folder, spec.artifact.file, spec.limits.scratchBytes);
    if (sealed.kind === 'sealed') held().sealed = sealed;
    return afterSeal(found, spec, phase, sealed, bench.recipeBytes);
  }

  async function sayMeasurement(work: Work, found: Findings, signal: AbortSignal): Promise<void> {
    const logs = holding?.logs ?? [];
    const log = logs.length > 0 && work.source.kind === 'snapshot' ? await ports.blobs.put(new TextEncoder().encode(logs.join('\n'))) : null;
    const measurement = conclude(found, {
      seed: holding?.draw.seed ?? 0, scoreSource: spec.scoreSource, device: workbench.device, evaluatorHash: spec.hash, environmentHash: workbench.environmentHash, sandbox: tools.level, log,
    });
    if (measurement.failure?.kind !== 'harness_abort') faults.clear();
    await publish(work, measurement, signal, tenancy.sinceMs() ?? work.takenMs);
  }

  async function clear(): Promise<void> {
    const ended = new AbortController();
    const isOver = await Promise.race([busy.then(() => true), ports.clock.wait(STUCK * ground.cleanMs, ended.signal).then(() => false, () => true)]);
    ended.abort();
    if (!isOver) { // X3
      const why = 'what it was at does not end, though it was told to: a disk of this machine may be stuck';
      ground.drain([{ slot, why }]);
      throw new Error(why);
    }
    const stuck = await holding?.bench[Symbol.asyncDispose]().then(() => null, (error: unknown) => ({ slot, why: error instanceof Error ? error.message : String(error) })) ?? null;
    if (stuck === null) holding = null;
    const unclean = [...stuck === null ? [] : [stuck], ...await tenancy.leave(), ...faults.size < MOST_FAULTS ? [] : [{ slot, why: `${faults.size} trials in a row could not be measured in it, the last: ${[...faults.values()].at(-1)}` }]];
    ground.drain(unclean);
    const own = unclean.find((one) => one.slot === slot);
    if (own !== undefined) throw new Error(own.why);
    tell(null, 'idle', 0, 0);
  }

  const letGo = (work: Work, reason: string): void =>
    ports.presence.log('warn', 'a slot gave up what it was leased', { slot, trial: work.trial, replicate: work.replicate, attempt: work.attempt, reason });
  /** Tells of a failure, unless it is only that the work was over. */
  const telling = <T>(work: Work, signal: AbortSignal, doing: Promise<T>): Promise<T> =>
    doing.catch((error: unknown) => { if (!signal.aborted) letGo(work, String(error)); throw error; });

  /** A disk that is full ends the node, not the recipe. */
  const notice = (work: Work, reason: string): void => { fault(work, reason); if (isDiskFull(reason)) ground.fail(`the disk of this node takes nothing more (${reason})`, 'free some space on it'); };
  const noticing = <T>(work: Work, signal: AbortSignal, doing: Promise<T>): Promise<T> => doing.catch((error: unknown) => { if (error instanceof Error && !signal.aborted) notice(work, error.message); throw error; });

  return createActor(slotMachine.provide({
    actors: {
      stage: fromPromise(({ input: { work }, signal }) => noticing(work, signal, stage(work, signal))),
      runPhase: fromPromise(({ input, signal }) => noticing(input.work, signal, onBench(runPhase({ ...input, signal })))),
      seal: fromPromise(({ input: { work, found }, signal }) => noticing(work, signal, onBench(sealArtifact(found)))),
      publish: fromPromise(({ input, signal }) => telling(input.work, signal, sayMeasurement(input.work, input.found, signal))),
      keepLease: fromPromise(async ({ input: { work }, signal }) => {
        if (work.source.kind === 'canary') return new Promise<never>((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }); }); // nobody leased it
        const reason = await telling(work, signal, keepLease({ ports, node, work, signal, onRenewed: tenancy.renewed, isOverdue: () => ports.clock.now() - (tenancy.sinceMs() ?? Infinity) > longestMs(spec, work) }));
        letGo(work, reason);
        return reason;
      }),
      enter: fromPromise(({ input: { work }, signal }) => telling(work, signal, onBench(tenancy.enter(work, signal))).catch((error: unknown) => { if (!signal.aborted) fault(work, error instanceof Error ? error.message : String(error)); throw error; })),
      clear: fromPromise(() => clearing ??= clear().finally(() => { clearing = null; })), // told to stop meanwhile, it clears once
    },
  }));
}

interface JobParts { share: Pick<PhaseJob, 'devices' | 'cores'>; spec: EvaluatorSpec; phase: PhaseSpec; work: Work; bench: Bench; scratch: { folder: string; log: string }; workbench: Workbench; draw: Draw; sealed: Holding['sealed']; readings: Findings['readings']; stamps: Readonly<Record<string, string>> }

function describeJob({ share, spec, phase, work, bench, scratch, workbench, draw, sealed, readings, stamps }: JobParts): PhaseJob {
  const told = phase.milestones.find(({ name }) => name === phase.name); // of a phase with milestones only the stretch that bears its name is made shorter for a canary
  const given = phase.role === 'train' ? work.trainSeconds : null;
  const budgetSeconds = told === undefined ? given ?? phase.budgetSeconds : phase.budgetSeconds;
  const request = { purpose: work.purpose, seed: draw.secret, data: workbench.data, artifact: sealed?.path ?? null, artifactBytes: sealed?.bytes ?? null, recipe: bench.recipe, phases: roles(spec, readings), logs: stamps, budgets: budgetsTold(spec, work) };
  return {
    name: phase.name, command: phase.command, auditor: phase.auditor,
    scorer: phase.scorer === null ? null : { command: phase.scorer, request: JSON.stringify(request) },
    recipe: bench.recipe, evaluator: workbench.evaluator, data: Object.fromEntries(phase.data.map((name) => [name, workbench.dataSet(name)])), mounts: spec.mounts,
    scratch: scratch.folder, log: scratch.log, env: { BRIGADE_SEED: String(draw.seed), BRIGADE_BUDGET_SECONDS: String(told === undefined ? budgetSeconds : given ?? told.budgetSeconds) },
    clock: phase.clock, budgetSeconds, toleranceSeconds: phase.toleranceSeconds, wallSeconds: phase.wallSeconds, limits: spec.limits,
    milestones: phase.milestones.map(({ name, until, budgetSeconds: budget, toleranceSeconds }) => ({ name, until, seconds: (name === phase.name ? given ?? budget : budget) + toleranceSeconds })),
    stamps: phase.milestones.length > 0 ? `${scratch.log}.stamps` : null, silenceMs: Math.round(work.ttlMs * SILENCE), ...share,
  };
}

/** The budget each phase is told, in seconds: that of its stretch where it has milestones. */
const budgetsTold = (spec: EvaluatorSpec, work: Work) => Object.fromEntries(spec.phases.map(({ name, role, budgetSeconds, milestones }) =>
  [name, role === 'train' && work.trainSeconds !== null ? work.trainSeconds : milestones.find((milestone) => milestone.name === name)?.budgetSeconds ?? budgetSeconds]));

/** What earlier phases of this seed took, as a scorer is told it. */
const roles = (spec: EvaluatorSpec, readings: Findings['readings']) =>
  readings.map(({ name, seconds, wallSeconds }) => ({ name, role: spec.phases.find((phase) => phase.name === name || phase.milestones.some((milestone) => milestone.name === name))?.role, seconds, wallSeconds }));

/** A snapshot as a recipe; null when the store has none of that name. */
export async function readRecipe(ports: Ports, snapshot: BlobHash): Promise<Recipe | null> {
  const bytes = await ports.blobs.get(snapshot);
  return bytes === null ? null : ReadRecipe.reply.parse({ recipe: JSON.parse(new TextDecoder().decode(bytes)) }).recipe;
}

function readScored(said: unknown): { readonly scored: Scored | null; readonly unreadable: string | null } {
  if (said === null || said === undefined) return { scored: null, unreadable: null };
  const parsed = ScoredSchema.safeParse(said);
  return parsed.success ? { scored: parsed.data, unreadable: null } : { scored: null, unreadable: parsed.error.issues[0]?.message ?? 'not of its schema' };
}
