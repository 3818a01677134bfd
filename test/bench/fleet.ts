import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { grants, lapses, needless, reasonToStop, spentBy, stageOf } from '../../src/actors/broker/decide.ts';
import { lineageAt } from '../../src/actors/broker/keeper.ts';
import { weigh } from '../../src/actors/trial/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { Lineage } from '../../src/domain/lineage.ts';
import { openAuthors } from './authors.ts';
import { fanOut } from './fan-out.ts';
import { quantile, single, spread, type Bench, type Figure } from './figure.ts';
import { startNullNode } from './null-node.ts';
import { openNullRun, RUN } from './null-run.ts';
import { nullScore } from './orchestration.ts';
import { processorSeconds } from './usage.ts';

// A thousand slots that are not there: nodes that hold what they are leased for a while, renew it as evaluators do, and say a measurement. Slots are freed
// one after another, never all at once.

const ROSTER = ['arch', 'opt', 'quant', 'reg', 'loss', 'eval', 'curr', 'tok', 'ttt', 'meta'] as const;
const SLOTS_A_NODE = 10;
const FILL_MS = 90_000;
/** A slot counts as taken from its lease to its measurement, and between the two are always some. */
const FULL = 0.98;

export const fleet: Bench = {
  name: 'fleet',
  says: '1,000 made-up slots on 100 nodes, ten specialists: what a decision costs, and how long an outcome takes to 10 and 100 subscribers',
  async measure(context) {
    const { nodes, holdMs, windowMs } = context.isQuick ? { nodes: 10, holdMs: 4_000, windowMs: 2_000 } : { nodes: 100, holdMs: 40_000, windowMs: 20_000 };
    const slots = nodes * SLOTS_A_NODE;
    await using run = await openNullRun({ root: context.root, folder: join(context.folder, 'fleet'), keeping: 'daemons', withLineage: false, roster: ROSTER });
    const authors = openAuthors(run.author, run.surface.recipe, ROSTER);
    const said = { facts: 0, measured: 0, leased: 0, lapsed: 0, last: 0 };
    const count = (fact: Fact): void => {
      said.facts += 1;
      said.last = fact.seq;
      if (fact.word === 'lease.granted') said.leased += 1;
      if (fact.word === 'lease.lapsed') said.lapsed += 1;
      if (fact.word === 'trial.measured') said.measured += 1;
      authors.onFact(fact);
    };
    const seen = new Set<string>();
    const workMs = ({ node, slots: [slot = ''] }: { readonly node: string; readonly slots: readonly string[] }): number => {
      const isFirst = !seen.has(`${node}/${slot}`);
      seen.add(`${node}/${slot}`);
      return isFirst ? holdMs * seen.size / slots : holdMs;
    };
    await using node = await startNullNode(run.node, { nodes: Array.from({ length: nodes }, (_, i) => `node-${i + 1}`), slots: SLOTS_A_NODE, workMs, renews: true, score: nullScore, onFact: count });
    await authors.ready;
    let isOver = false;
    const failures: unknown[] = [];
    for (let author = 0; author < ROSTER.length * Math.ceil((slots + 1) / ROSTER.length); author++) { // as many as the broker lets them have open
      void (async () => { while (!isOver) await authors.tryOnce(author); })().catch((error: unknown) => { if (!isOver) failures.push(error); });
    }
    const busy = (): number => (said.leased - said.lapsed - said.measured) / slots;
    for (const since = performance.now(); busy() < FULL && performance.now() - since < FILL_MS;) await sleep(50);

    context.say(`fleet: ${(busy() * 100).toFixed(0)}% of ${slots} slots are taken; what it costs is measured for ${windowMs / 1000} s`);
    const pid = run.broker?.pid ?? 0;
    const before = { ...said, cpu: await processorSeconds(pid), at: performance.now(), renewals: node.renewals.length };
    const shares: number[] = [];
    while (performance.now() - before.at < windowMs) { shares.push(busy() * 100); await sleep(100); }
    const [cpu, seconds] = [await processorSeconds(pid), (performance.now() - before.at) / 1000];
    const facts = said.facts - before.facts;
    const decisions = facts - (said.measured - before.measured);
    const spent = cpu === null || before.cpu === null ? null : cpu - before.cpu;
    const lineage = await lineageAt(RUN, run.node.journal, () => true, said.last);
    const renewals = node.renewals.slice(before.renewals);
    const about = `${slots} slots on ${nodes} nodes, ${ROSTER.length} specialists`;
    const figures: Figure[] = [
      spread({ name: `fleet of ${slots}: slots busy`, unit: '%', note: `${about}; each lease held for ${holdMs / 1000} s; looked at ten times a second` }, shares),
      single({ name: `fleet of ${slots}: broker, a decision`, unit: 'ms', note: `processor time of its process for each of ${decisions} facts it said in ${seconds.toFixed(0)} s, renewals and proposals answered included; Python's compiler is another process` }, spent === null || decisions === 0 ? null : spent * 1000 / decisions, decisions),
      single({ name: `fleet of ${slots}: broker busy`, unit: '%', note: 'of one core' }, spent === null ? null : spent / seconds * 100, decisions),
      spread({ name: `fleet of ${slots}: one round of deciding`, unit: 'ms', note: `weighing ${lineage.open.size} open trials, ${lineage.leases.size} leases, all grants: once for every fact or several` }, Array.from({ length: 50 }, () => decide(lineage))),
      single({ name: `fleet of ${slots}: journal`, unit: 'facts/s', note: `${((said.measured - before.measured) / seconds).toFixed(1)} trials a second` }, facts / seconds, facts),
      spread({ name: `fleet of ${slots}: a lease renewed`, unit: 'ms', note: 'asked to answered, as evaluators ask' }, renewals),
    ];
    for (const subscribers of [10, 100]) {
      const latencies = [...await fanOut(run, subscribers, windowMs / 2)].sort((a, b) => a - b);
      figures.push(spread({ name: `outcome to all of ${subscribers} subscribers`, unit: 'ms', note: `p99 ${quantile(latencies, 0.99)?.toFixed(1) ?? 'unknown'} ms; taken by the server to read by the last, each with a connection and a consumer of the whole journal` }, latencies));
    }
    isOver = true;
    if (failures.length > 0) throw failures[0];
    return figures;
  },
};

/** Milliseconds of what a broker computes in one round, by the same functions. */
function decide(lineage: Lineage): number {
  const begun = performance.now();
  stageOf(lineage, lineage.open.size);
  lapses(lineage, () => 0);
  const wanted = [...lineage.open].flatMap((id) => {
    const row = lineage.trials.get(id);
    const need = row && weigh(lineage, row);
    return need?.kind === 'measure' ? need.wanted : [];
  });
  needless(lineage, wanted);
  grants(lineage, wanted, () => true);
  reasonToStop(lineage, spentBy(lineage, 0, wanted.length), 0);
  return performance.now() - begun;
}
