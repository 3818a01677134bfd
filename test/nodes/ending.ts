import { setTimeout as sleep } from 'node:timers/promises';
import { StopRun } from '../../src/protocols/run.ts';
import { lookInside } from './boxes.ts';
import type { Cluster } from './cluster.ts';
import type { Lab } from './lab.ts';
import { brokenIn, type Row } from './nemesis.ts';
import { keptUpTo } from './office.ts';
import { callTheRoll } from './roll-call.ts';
import type { Watch } from './watch.ts';

// The end: everybody is called once more, the run is stopped, the daemons end, and what they leave is looked into.

export interface EndingOptions { readonly secret: string; readonly known: Set<string>; readonly say: (text: string) => void; readonly patienceMs: number; readonly signal: AbortSignal }

/** Ends the run and checks what can be checked only then. */
export async function endRun(lab: Lab, watch: Watch, cluster: Cluster, { secret, known, say, patienceMs, signal }: EndingOptions): Promise<Row> {
  const { history } = lab;
  const wrong: string[] = [];
  const hasEnded = (): boolean => watch.facts.some(({ word }) => word === 'run.stopped');
  if (!signal.aborted && !hasEnded()) {
    say('calling the roll');
    const after = Math.max(-1, ...history.entries.flatMap((entry) => (entry.kind === 'healed' ? [entry.ms] : [])));
    wrong.push(...await callTheRoll(lab, watch, { after, patienceMs: patienceMs * 3, signal }));
  }
  const from = history.now();
  say('stopping');
  await using operator = await lab.session('operator');
  for (let tries = 0; tries < 30 && !hasEnded(); tries++) {
    if (await operator.bus.ask(StopRun, { run: lab.run }, { now: false }, { timeoutMs: 5_000 }).then(({ ok }) => ok, () => false)) break;
    await sleep(1_000);
  }
  await watch.until((fact) => fact.word === 'run.stopped', { after: -1, patienceMs: patienceMs * 3 });
  const stoppedMs = hasEnded() ? history.now() - from : null;
  await watch.hush();
  const last = await cluster.position();
  await watch.until((fact) => fact.seq >= last, { after: -1, patienceMs });
  const kept = await keptUpTo(lab, last, patienceMs); // whoever is behind is waited for, and not taken for one that tells another story
  if (kept !== null) wrong.push(`I5: ${kept}`);
  const behind = await cluster.agreed(patienceMs);
  if (behind.length > 0) wrong.push(`I5: ${behind.join(', ')} not current at the end`);
  await lab.dismiss();
  const boxes = await lookInside(lab, cluster, secret);
  const broken = [...wrong, ...brokenIn({ run: lab.run, entries: history.entries, facts: [...watch.facts], resumeMs: patienceMs, boxes }, known)];
  return { fault: 'the end', did: 'the run is stopped, every box is looked into', threatens: ['I1–I11'], broken, isHealed: true, stallMs: 0, lateMs: 0, resumedMs: stoppedMs };
}
