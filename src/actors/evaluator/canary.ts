import type { Canary, EvaluatorSpec } from '../../domain/surface.ts';
import type { Measurement } from '../../domain/measurement.ts';
import { gain } from '../../domain/objective.ts';
import type { PassedCanary, Ports, Workbench } from '../../ports.ts';
import { slotActor, type NodeTools, type SlotPlace } from './effects.ts';
import type { Work } from './work.ts';

// Canaries: recipes with a known ending, measured as any other. They are told apart by what they do.
//
//   C1. A node that ends one otherwise than it should offers no slot.
//   C2. They train for less, on the search set, and nothing of them reaches the journal but how they ended.

/** An evaluator that cannot tell a good recipe from a bad one. */
export class CanaryFailed extends Error {
  readonly canary: string;
  constructor(canary: string, message: string) {
    super(message);
    this.name = 'CanaryFailed';
    this.canary = canary;
  }
}

const TRAIN_SECONDS = 1;
/** How much better than the good canary is still luck, as a fraction of its score: after a second of training, seeds differ by some hundredths of it. */
const LUCK = 0.1;
/** How far a baseline may miss its own gate and still show that the evaluator measures, as a fraction of the limit. */
const HAIR = 0.01;
const TTL_MS = 600_000;

export interface Ended { readonly canary: Canary; readonly measurement: Measurement }

/** How one canary ended, in the words of its expectation. */
const endedAs = ({ failure }: Measurement): string => (failure === null ? 'scores' : failure.kind);

/** Judges all canaries together; throws CanaryFailed for the first that ended otherwise than it should. */
export function judgeCanaries(spec: EvaluatorSpec, ended: readonly Ended[]): PassedCanary[] {
  const good = ended.find(({ canary }) => canary.expect === 'scores')?.measurement.score ?? null;
  return ended.map(({ canary, measurement }) => {
    const how = endedAs(measurement);
    const passed: PassedCanary = { name: canary.name, expect: canary.expect, ended: how, score: measurement.failure === null ? measurement.score : null };
    if (how === canary.expect) return passed;
    if (canary.expect === 'measures' && (how === 'scores' || missedByAHair(spec, measurement))) return { ...passed, ended: 'measures' };
    if (canary.expect === 'gains nothing' && how === 'scores' && measurement.score !== null) {
      const gained = good === null ? 0 : gain(spec.objective, measurement.score, good);
      if (gained <= Math.abs(good ?? 0) * LUCK) return { ...passed, ended: 'gains nothing' };
      throw new CanaryFailed(canary.name, refusal(spec, canary, `gained ${gained.toFixed(3)} over the good one by ignoring its seed`));
    }
    const did = measurement.failure === null ? `scored ${measurement.score?.toFixed(2) ?? 'nothing'}` : `ended as ${how} (${JSON.stringify(measurement.failure).slice(0, 300)})`;
    if (measurement.failure?.kind === 'train_budget_overrun') throw new CanaryFailed(canary.name, `calibration refused: the canary \`${canary.name}\` ${did} before it could end as \`${canary.expect}\`: it had ${canary.trainSeconds ?? TRAIN_SECONDS} s to train in. Where starting up takes longer, give it more in evaluators/${spec.name}/evaluator.yaml: {name: ${canary.name}, expect: ${canary.expect}, train: ${Math.max(20, 4 * (canary.trainSeconds ?? TRAIN_SECONDS))}}`);
    throw new CanaryFailed(canary.name, refusal(spec, canary, did));
  });
}

/** Whether all that is wrong is a declared gate, and that by little. */
const missedByAHair = (spec: EvaluatorSpec, { failure }: Measurement): boolean =>
  failure?.kind === 'disqualified' && spec.gates.some(({ name }) => name === failure.gate) && failure.deficit <= HAIR * Math.abs(failure.limit);

const refusal = (spec: EvaluatorSpec, canary: Canary, did: string): string =>
  `calibration refused: the canary \`${canary.name}\` ${did}, and it should have ended as \`${canary.expect}\`. `
  + `${canary.expect === 'scores' || canary.expect === 'measures' ? `The evaluator in evaluators/${spec.name} cannot measure a good recipe on this machine` : `The evaluator in evaluators/${spec.name} can be deceived`}: docs/evaluators.md says what a canary is for.`;

/** Runs every canary through the node's own slots, each on as many as a replicate has, as many at once as there are such gangs. */
export async function runCanaries(places: readonly SlotPlace[], gang: number, ports: Ports, tools: NodeTools, signal: AbortSignal): Promise<Ended[]> {
  const waiting = [...tools.spec.canaries];
  const ended: Ended[] = [];
  const gangs = Array.from({ length: Math.floor(places.length / gang) }, (_, k) => places.slice(k * gang, (k + 1) * gang));
  await Promise.all(gangs.map(async (some) => {
    for (let canary = waiting.shift(); canary !== undefined; canary = waiting.shift()) ended.push({ canary, measurement: await measure(some, canary, ports, tools, signal) });
  }));
  return tools.spec.canaries.flatMap((canary) => ended.find((one) => one.canary === canary) ?? []);
}

async function measure(gang: readonly SlotPlace[], canary: Canary, ports: Ports, tools: NodeTools, signal: AbortSignal): Promise<Measurement> {
  let measured: Measurement | null = null;
  const [place] = gang;
  if (place === undefined) throw new Error('a gang has a slot at least');
  const actor = slotActor(place, ports, tools, async (_, measurement) => { measured = measurement; });
  const stop = (): void => actor.send({ type: 'node.stopping' });
  const finished = new Promise<void>((resolve, reject) => { actor.subscribe({ complete: resolve, error: reject, next: (snapshot) => { if (snapshot.matches('broken')) reject(new Error(`${place.slot} could not be cleared`)); } }); });
  signal.addEventListener('abort', stop, { once: true });
  actor.start();
  actor.send({ type: 'lease.granted', work: await workOf(gang, canary, ports, tools.workbench) });
  actor.send({ type: 'node.draining' });
  await finished.finally(() => signal.removeEventListener('abort', stop));
  signal.throwIfAborted();
  if (measured === null) throw new CanaryFailed(canary.name, `calibration refused: the canary \`${canary.name}\` was not measured at all.`);
  return measured;
}

async function workOf(gang: readonly SlotPlace[], canary: Canary, ports: Ports, workbench: Workbench): Promise<Work> {
  return {
    trial: 'canary', replicate: canary.name, attempt: 1, purpose: 'search', slots: gang.map(({ slot }) => slot), source: { kind: 'canary', recipe: await workbench.canary(canary.name) },
    smoke: canary.expect === 'preflight_crash', trainSeconds: canary.trainSeconds ?? TRAIN_SECONDS, ttlMs: TTL_MS, takenMs: ports.clock.now(), // C2
  };
}
