import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findTrace, foldFiles } from '../../src/adapters/traces/index.ts';
import { recordOf } from '../../src/domain/analysis/record.ts';
import { openAuthors } from './authors.ts';
import { single, spread, type Bench, type Context, type Figure } from './figure.ts';
import { startNullNode, type NullNode } from './null-node.ts';
import { openNullRun } from './null-run.ts';
import { nullScore } from './orchestration.ts';
import { pausesOf, stretchesOf, turnsOf, usedOf, widest, type Turn, type Used } from './schedule.ts';

// The trials of the paper's ten specialists again, a thousand times faster: as long, in the order in which they began, on as many slots as ever worked
// side by side there. Every pause between two trials weighs a thousand times what it would among trials of their length.

const TRACE = 'pg_ablation_lineage_on';
const SHARE = 1 / 1000;

interface Replay { readonly name: string; readonly turns: readonly Turn[]; readonly specialists: number; readonly slots: number }

export const traces: Bench = {
  name: 'traces',
  says: "the paper's Parameter Golf trials at a thousandth of their length: parallel efficiency of ten specialists (--traces DIR)",
  async measure(context) {
    const found = await findTrace(join(context.traces, TRACE)).catch(() => null);
    if (found === null) {
      context.say(`traces: NOT MEASURED. ${join(context.traces, TRACE)} has no results.tsv: --traces names the folder with the paper's run records, of which none is part of this repository (docs/analysis.md)`);
      return [];
    }
    const { trials, roster } = recordOf(TRACE, foldFiles(TRACE, found, { metric: null, direction: null }));
    const theirs = stretchesOf(trials);
    const slots = widest(theirs);
    const turns = turnsOf(theirs, SHARE).slice(0, context.isQuick ? 4 * slots : undefined);
    const few = turns.slice(0, context.isQuick ? 3 : 20);
    const waiting = await replay(context, { name: 'waiting', turns: turns.map(({ workMs }) => ({ workMs, thoughtMs: 0 })), specialists: roster.length, slots });
    const thinking = await replay(context, { name: 'thinking', turns, specialists: roster.length, slots });
    const alone = await replay(context, { name: 'alone', turns: few, specialists: 1, slots: 1 });
    const aim = { of: 'p50', bound: 'at least', value: 0.98 } as const;
    const about = `${roster.length} specialists, ${slots} slots, ${turns.length} trials at a thousandth of their length`;
    const asTheyRan = usedOf(theirs, slots);
    return [
      ...figures('a trial always waiting', about, waiting.used, aim),
      ...figures('each thinks as long as theirs did', `${about}; thoughts of ${seconds(turns)} s on average between two trials of one specialist, the next while its last is measured`, thinking.used, aim),
      single({ name: 'parallel efficiency η, against one specialist on one slot', unit: 'share', aim, note: `T(1) of ${few.length} of these trials, measured: its slot is at work ${percent(alone.used)}` }, thinking.used && alone.used ? thinking.used.efficiency / alone.used.efficiency : null, turns.length),
      single({ name: 'the run these trials come from, by the same rule', unit: 'share', note: 'each specialist thinks while its slot waits; the 0.80 of the paper is against one agent that does so too' }, asTheyRan?.efficiency ?? null, theirs.length),
      spread({ name: 'gap between two trials of one slot, replay', unit: 'ms', note: 'end of the work to next lease read; each thinks' }, thinking.pauses),
    ];
  },
};

function figures(how: string, about: string, used: Used | null, aim: Figure['aim']): Figure[] {
  return [
    single({ name: `parallel efficiency η, ${how}`, unit: 'share', ...(aim ? { aim } : {}), note: about }, used?.efficiency ?? null, used?.trials ?? 0),
    single({ name: `slots idle, ${how}`, unit: '%', note: used ? `of ${(used.spanMs / 1000).toFixed(1)} s, from the first beginning to the last` : '' }, used && used.idleShare * 100, used?.trials ?? 0),
  ];
}

/** Does some trials again; every specialist has as many open as `brigade run` would let it have, and thinks of one at a time. */
async function replay({ root, folder, say }: Context, { name, turns, specialists, slots }: Replay): Promise<{ readonly used: Used | null; readonly pauses: readonly number[] }> {
  const roster = Array.from({ length: specialists }, (_, i) => `specialist-${i + 1}`);
  await using run = await openNullRun({ root, folder: join(folder, name), keeping: 'daemons', withLineage: false, roster });
  const authors = openAuthors(run.author, run.surface.recipe, roster);
  const turnOf = new Map<string, Turn>();
  await using node: NullNode = await startNullNode(run.node, {
    nodes: Array.from({ length: slots }, (_, i) => `node-${i + 1}`), slots: 1, score: nullScore, workMs: ({ trial }) => turnOf.get(trial)?.workMs ?? 0,
    onFact: (fact) => {
      const turn = fact.word === 'trial.admitted' ? turns[Number(/^turn-(\d+)$/.exec(fact.body.clientId)?.[1])] : undefined; // it is read before its lease
      if (fact.word === 'trial.admitted' && turn) turnOf.set(fact.ids[0], turn);
      authors.onFact(fact);
    },
  });
  await authors.ready;
  for (let i = 0; i < 2 * specialists; i++) await authors.tryOnce(i); // the programs are compiled by the time it counts
  const warm = node.stretches.length;
  const concurrent = Math.ceil((slots + 1) / specialists);
  say(`traces: ${name}, ${turns.length} trials on ${slots} ${slots === 1 ? 'slot' : 'slots'}`);
  let next = 0;
  await Promise.all(roster.map(async (_, author) => {
    const open = new Set<Promise<void>>();
    while (next < turns.length) {
      while (open.size >= concurrent) await Promise.race(open);
      const n = next++;
      const turn = turns[n];
      if (!turn) break;
      if (turn.thoughtMs > 0) await sleep(turn.thoughtMs);
      const { ended } = await authors.propose(author, `turn-${n}`);
      const over = ended.then(() => { open.delete(over); });
      open.add(over);
    }
    await Promise.all(open);
  }));
  const done = node.stretches.slice(warm);
  return { used: usedOf(done, slots), pauses: pausesOf(done) };
}

const percent = (used: Used | null): string => (used === null ? 'unknown' : `${(used.efficiency * 100).toFixed(1)}%`);
const seconds = (turns: readonly Turn[]): string => (turns.reduce((sum, { thoughtMs }) => sum + thoughtMs, 0) / 1000 / Math.max(1, turns.length)).toFixed(2);
