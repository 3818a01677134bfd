import { weigh } from '../../src/actors/trial/index.ts';
import { BASELINE, trialId } from '../../src/domain/ids.ts';
import { calibrated, HASH, type Story } from '../support/story.ts';
import { single, type Bench, type Figure } from './figure.ts';

// How often a recipe that changes nothing is kept: every score is one draw of the same distribution.

const SD = 0.02;
const ALPHA = 0.01;

export const falseKeeps: Bench = {
  name: 'false-keeps',
  says: 'how often `confirmed` keeps a recipe that changes nothing, by simulation through weigh()',
  async measure({ isQuick }) {
    const comparisons = isQuick ? 200 : 1000;
    return [
      ...compare('each in a run of its own', comparisons, 1, 11),
      ...compare('in runs of 25 trials', comparisons, 25, 12),
    ];
  },
};

/** So many null trials, so many a run, from one seed: the same answer at every call. */
function compare(how: string, comparisons: number, trialsPerRun: number, seed: number): Figure[] {
  const normal = gaussian(seed);
  let keeps = 0;
  let confirmations = 0;
  for (let done = 0; done < comparisons; done += trialsPerRun) {
    const told = calibrated({ keep: { kind: 'confirmed', alpha: ALPHA, replicates: 5 } }, Array.from({ length: 5 }, () => 2.5 + SD * normal()));
    for (let n = 1; n <= Math.min(trialsPerRun, comparisons - done); n++) {
      const ended = decide(told.admit(trialId(n), told.lineage.bests.at(-1)?.trial ?? BASELINE), trialId(n), normal);
      if (ended.isKeep) keeps += 1;
      if (ended.wasConfirmed) confirmations += 1;
    }
  }
  const within = { of: 'p50', bound: 'at most', value: ALPHA } as const;
  return [
    single({ name: `false keeps, ${how}`, unit: 'share', aim: within, note: `${keeps} of ${comparisons} null trials kept, 95% interval ${interval(keeps, comparisons)}` }, keeps / comparisons, comparisons),
    single({ name: `the same, of those confirmed, ${how}`, unit: 'share', note: `${keeps} of ${confirmations} that passed the screening, 95% interval ${interval(keeps, confirmations)}; α is ${ALPHA}` }, confirmations === 0 ? null : keeps / confirmations, confirmations),
  ];
}

/** Measures what the judge wants until it has heard enough. */
function decide(told: Story, trial: string, normal: () => number): { readonly isKeep: boolean; readonly wasConfirmed: boolean } {
  for (;;) {
    const row = told.lineage.trials.get(trial);
    const need = row && weigh(told.lineage, row);
    if (!need) throw new Error(`${trial} was not admitted`);
    if (need.kind === 'measure') {
      const next = need.wanted[0];
      if (!next) throw new Error(`${trial} waits for nothing`);
      told.measure(next.trial, next.replicate, 2.5 + SD * normal());
      continue;
    }
    if (need.newBest !== null) told.tell('run.best', [String(need.newBest)], { trial, score: need.result.score, snapshot: HASH, judgedAt: need.result.judgedAt });
    told.tell('trial.result', [trial], need.result);
    return { isKeep: need.result.status === 'keep', wasConfirmed: row.replicates.has('c1') };
  }
}

/** Wilson's 95% interval of a share. */
function interval(hits: number, of: number): string {
  if (of === 0) return 'unknown';
  const z2 = 1.96 ** 2;
  const share = hits / of;
  const middle = (share + z2 / (2 * of)) / (1 + z2 / of);
  const reach = (1.96 / (1 + z2 / of)) * Math.sqrt((share * (1 - share)) / of + z2 / (4 * of * of));
  return `${Math.max(0, middle - reach).toFixed(4)} … ${(middle + reach).toFixed(4)}`;
}

/** Standard normal draws from a small seeded generator. */
function gaussian(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (((mixed ^ (mixed >>> 16)) >>> 0) + 0.5) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
