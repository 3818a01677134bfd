import { unasked } from './figures.ts';
import type { Lab } from './lab.ts';
import type { Watch } from './watch.ts';

// Waiting for the run to go: a lab that will never get there says so early, and why.

/** How long calibration and one trial may take. */
const FIRST_MS = 900_000;
const GLANCE_MS = 15_000;
/** A daemon that ends as often as that does so for a reason that time does not heal. */
const MOST_DEATHS = 8;

/** Resolves when the first trial of a specialist has a result, or when aborted; throws a sentence when none will have one. */
export async function firstTrial(lab: Lab, watch: Watch, { slow, signal, say }: { readonly slow: number; readonly signal: AbortSignal; readonly say: (text: string) => void }): Promise<void> {
  const { history } = lab;
  const count = (word: string): number => watch.facts.filter((fact) => fact.word === word).length;
  const standing = (): string => {
    const enrolled = new Set(watch.facts.flatMap((fact) => (fact.word === 'node.enrolled' ? [fact.ids[0]] : [])));
    const died = [...unasked(history.entries)].map(([name, times]) => `${name} ended ${times} times by itself`);
    return [`${enrolled.size} of ${lab.nodes.length} nodes enrolled`, `${count('trial.measured')} measurements`, ...died].join(', ');
  };
  for (const until = performance.now() + FIRST_MS * slow; ;) {
    const first = await watch.until((fact) => fact.word === 'trial.result' && fact.ids[0] !== 't0000', { after: -1, patienceMs: GLANCE_MS, signal });
    if (first !== null || signal.aborted) return;
    const stopped = watch.facts.find((fact) => fact.word === 'run.stopped');
    if (stopped?.word === 'run.stopped') throw new Error(`the run ended before a trial had: ${stopped.body.reason}`);
    if ([...unasked(history.entries).values()].some((times) => times >= MOST_DEATHS)) throw new Error(`no trial will end: ${standing()}`);
    if (performance.now() > until) throw new Error(`no trial ended within ${FIRST_MS * slow / 60_000} minutes: ${standing()}`);
    say(`waiting for the first trial: ${standing()}; ${Math.round(history.now() / 1000)} s`);
  }
}
