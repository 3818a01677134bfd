import { spread, type Bench, type Context } from './figure.ts';
import { watchRun, type Watched } from './live-run.ts';
import { runLoop } from './orchestration.ts';

/** Trials of the run that is watched; gap, memory and first-trial look at the same one. */
export const liveTrials = ({ isQuick }: Context): number => (isQuick ? 4 : 24);

export const gap: Bench = {
  name: 'gap',
  says: 'between two trials on one slot: from a measurement to the start of the next work',
  async measure(context) {
    const aim = { of: 'p95', bound: 'at most', value: 50 } as const;
    const loop = await runLoop(context, { keeping: 'daemons', withLineage: false, slots: 2, authors: 8, trials: context.isQuick ? 60 : 400, workMs: 20 });
    const seen = gaps(await watchRun(context, 'tiny', liveTrials(context)));
    return [
      spread({ name: 'gap, null node', unit: 'ms', aim, note: 'measurement said to next lease read; a trial is always waiting, 2 slots' }, loop.gaps),
      spread({ name: 'gap, tiny, next lease known', unit: 'ms', note: 'measurement seen to next lease of the slot seen, a trial was waiting' }, seen.leased),
      spread({ name: 'gap, tiny, work begun', unit: 'ms', aim, note: 'measurement seen to first phase of the next, a trial was waiting' }, seen.begun),
      spread({ name: 'gap, tiny, whatever the reason', unit: 'ms', note: 'waits for proposals and for the baseline to be judged included' }, seen.all),
    ];
  },
};

/** What passed between one measurement and the next work on its slot, as an observer saw it. */
export function gaps({ facts, work }: Watched): { readonly leased: number[]; readonly begun: number[]; readonly all: number[] } {
  const found = { leased: [] as number[], begun: [] as number[], all: [] as number[] };
  const admittedAt = new Map<string, number>();
  const slotOf = new Map<string, string>();
  const free = new Map<string, number>();
  for (const { at, fact } of facts) {
    if (fact.word === 'trial.admitted') admittedAt.set(fact.ids[0], at);
    if (fact.word === 'trial.measured') {
      const slot = slotOf.get(`${fact.ids[0]}.${fact.ids[1]}.${fact.ids[2]}`);
      if (slot !== undefined) free.set(slot, at);
    }
    if (fact.word !== 'lease.granted') continue;
    const { trial, replicate, attempt, node, slots } = fact.body;
    const slot = `${node}/${slots[0] ?? ''}`;
    slotOf.set(`${trial}.${replicate}.${attempt}`, slot);
    const since = free.get(slot);
    const first = work.find((sign) => sign.slot === slot && sign.trial === trial && sign.replicate === replicate && sign.at >= (since ?? 0));
    if (since === undefined || !first) continue;
    free.delete(slot);
    found.all.push(first.at - since);
    if ((admittedAt.get(trial) ?? Infinity) >= since) continue; // nothing was waiting: the slot waited for a thought
    found.leased.push(at - since);
    found.begun.push(first.at - since);
  }
  return found;
}
