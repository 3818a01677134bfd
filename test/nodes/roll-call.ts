import type { Lab } from './lab.ts';
import { askActor } from './office.ts';
import type { Watch } from './watch.ts';

// Whether everybody is back at work when all faults are over: that the run goes on says only that somebody is.

/** Waits until every node has measured something since, every actor answers and every daemon has a process. Answers a sentence for each that does not. */
export async function callTheRoll(lab: Lab, watch: Watch, { after, patienceMs, signal }: { readonly after: number; readonly patienceMs: number; readonly signal: AbortSignal }): Promise<string[]> {
  const seconds = Math.round(patienceMs / 1000);
  const named: readonly (readonly [actor: string, name: string])[] = [
    ['broker', 'main'], ['lineage', 'main'], ...lab.specialists.map(({ name }) => ['specialist', name] as const), ...lab.nodes.map(({ name }) => ['evaluator', name] as const),
  ];
  const [measured, answers, processes] = await Promise.all([
    Promise.all(lab.nodes.map(async ({ name }) => {
      const fact = await watch.until((each) => each.word === 'trial.measured' && each.ids[3] === name && each.body.measurement.failure?.kind !== 'harness_abort', { after, patienceMs, signal });
      return fact === null ? [`I9: ${name} measured nothing since the last fault was healed, for ${seconds} s`] : [];
    })),
    Promise.all(named.map(async ([actor, name]) => (await askActor(lab, actor, name, patienceMs) === null ? [`I9: ${actor} ${name} does not answer, ${seconds} s after the last fault was healed`] : []))),
    Promise.all(lab.everyone().map((daemon) => daemon.up().then(() => [], () => [`I9: ${daemon.name} is not started again`]))),
  ]);
  return signal.aborted ? [] : [...measured, ...answers, ...processes].flat();
}
