import { join } from 'node:path';
import { openAuthors } from './authors.ts';
import { quantile, single, spread, type Bench, type Context, type Figure } from './figure.ts';
import { startNullNode } from './null-node.ts';
import { openNullRun, type Keeping } from './null-run.ts';

// What Brigade itself costs a trial: proposal, free checks, snapshot, four facts and a judgement, with an evaluator that costs nothing.

/** Every so many trials are better than the best, as in a good run. */
const KEEP_EVERY = 25;

/** What a null evaluator finds: mostly nothing, and now and then a best. */
export const nullScore = ({ trial }: { readonly trial: string }): number => { const n = Number(trial.slice(1)); return n > 0 && n % KEEP_EVERY === 0 ? 2 - n / 1e6 : 3; };

interface Loop { readonly keeping: Keeping; readonly withLineage: boolean; readonly slots: number; readonly authors: number; readonly trials: number; readonly workMs?: number }

/** Trials from proposal to result, so many in flight at a time. */
export async function runLoop({ root, folder }: Context, { keeping, withLineage, slots, authors: count, trials, workMs = 0 }: Loop): Promise<{ readonly latencies: number[]; readonly perSecond: number; readonly gaps: readonly number[] }> {
  await using run = await openNullRun({ root, folder: join(folder, `${keeping}-${withLineage ? 'lineage-' : ''}${slots}-${count}`), keeping, withLineage });
  const authors = openAuthors(run.author, run.surface.recipe);
  await using node = await startNullNode(run.node, { slots, workMs: () => workMs, score: nullScore, onFact: authors.onFact });
  await authors.ready;
  for (let i = 0; i < 10; i++) await authors.tryOnce(i); // the programs are compiled by the time it counts
  const latencies: number[] = [];
  const warmGaps = node.gaps.length;
  let left = trials;
  const begun = performance.now();
  await Promise.all(Array.from({ length: count }, async (_, author) => {
    while (left-- > 0) latencies.push(await authors.tryOnce(count === 1 ? left : author));
  }));
  const perSecond = trials / ((performance.now() - begun) / 1000);
  return { latencies, perSecond, gaps: node.gaps.slice(warmGaps) };
}

export const orchestration: Bench = {
  name: 'orchestration',
  says: 'cost of a durable trial, and trials per second, with a null evaluator',
  async measure(context) {
    const trials = context.isQuick ? 60 : 400;
    const many = { slots: 32, authors: 32, trials: context.isQuick ? 120 : 1000 };
    const figures: Figure[] = [];
    const one = { slots: 1, authors: 1, trials, withLineage: false };
    const load = { ...many, withLineage: false };
    const atMost = { of: 'p50', bound: 'at most', value: 5 } as const;
    const durable = await runLoop(context, { keeping: 'daemons', ...one });
    figures.push(spread({ name: 'durable trial, one in flight', unit: 'ms', aim: atMost, note: 'proposal to result read; broker daemon, nats sync always, real admission' }, durable.latencies));
    const inProcess = await runLoop(context, { keeping: 'nats', ...one });
    const inMemory = await runLoop(context, { keeping: 'memory', ...one });
    const ratio = ((quantile(sorted(inProcess.latencies), 0.5) ?? 0) / (quantile(sorted(inMemory.latencies), 0.5) ?? 1)).toFixed(2);
    figures.push(spread({ name: 'the same, all in one process', unit: 'ms', note: `${ratio} × with the journal in memory` }, inProcess.latencies));
    figures.push(spread({ name: 'the same, journal in memory', unit: 'ms', note: 'what is left is ours: checks, judgement, signature' }, inMemory.latencies));
    const throughput = await runLoop(context, { keeping: 'daemons', ...load });
    figures.push(single({ name: 'durable trials per second', unit: '1/s', aim: { of: 'p50', bound: 'at least', value: 500 }, note: `${many.authors} in flight, ${many.slots} slots, 4 specialists; authors and node share a process` }, throughput.perSecond, many.trials));
    figures.push(single({ name: 'cost of a durable trial under load', unit: 'ms', aim: atMost, note: 'one over the line above' }, 1000 / throughput.perSecond, many.trials));
    const folded = await runLoop(context, { keeping: 'daemons', ...load, withLineage: true });
    figures.push(single({ name: 'the same, with lineage keeper and LMDB', unit: '1/s', note: `${(folded.perSecond / throughput.perSecond).toFixed(2)} × without` }, folded.perSecond, many.trials));
    const together = await runLoop(context, { keeping: 'nats', ...load });
    const memory = await runLoop(context, { keeping: 'memory', ...load });
    figures.push(single({ name: 'durable, all in one process', unit: '1/s', note: `${(together.perSecond / memory.perSecond).toFixed(2)} × with the journal in memory` }, together.perSecond, many.trials));
    figures.push(single({ name: 'journal in memory, all in one process', unit: '1/s' }, memory.perSecond, many.trials));
    return figures;
  },
};

const sorted = (readings: readonly number[]): number[] => [...readings].sort((a, b) => a - b);
