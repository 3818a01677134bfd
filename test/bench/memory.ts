import { single, type Bench } from './figure.ts';
import { liveTrials } from './gap.ts';
import { watchRun } from './live-run.ts';

const MIB = 2 ** 20;

export const memory: Bench = {
  name: 'memory',
  says: 'resident memory of every process of a run of tiny',
  async measure(context) {
    const { memory: read } = await watchRun(context, 'tiny', liveTrials(context));
    const byName = [...read].sort(([a], [b]) => (a < b ? -1 : 1));
    const figures = byName.map(([name, bytes]) => {
      const sorted = [...bytes].sort((a, b) => a - b);
      return { ...single({ name: `resident, ${name}`, unit: 'MiB' }, (sorted[Math.floor(sorted.length / 2)] ?? 0) / MIB, bytes.length), max: (sorted.at(-1) ?? 0) / MIB };
    });
    const total = figures.reduce((sum, { p50 }) => sum + (p50 ?? 0), 0);
    return [...figures, single({ name: 'resident, all of them', unit: 'MiB', note: 'sum of the medians; shared pages count in each; sandboxes not counted' }, total, figures.length)];
  },
};
