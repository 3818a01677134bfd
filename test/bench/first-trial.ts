import { single, type Bench, type Figure } from './figure.ts';
import { liveTrials } from './gap.ts';
import { watchRun, type Watched } from './live-run.ts';

export const firstTrial: Bench = {
  name: 'first-trial',
  says: 'from the command to the first measured trial (with --full also of golf-mini)',
  async measure(context) {
    const figures = milestones('tiny', await watchRun(context, 'tiny', liveTrials(context)));
    return context.isFull ? [...figures, ...milestones('golf-mini', await watchRun(context, 'golf-mini', 4))] : figures;
  },
};

/** Seconds from the command to the stages of a run a user waits for. */
function milestones(surface: string, { facts }: Watched): Figure[] {
  const first = (is: (fact: Watched['facts'][number]['fact']) => boolean): number | null => {
    const found = facts.find(({ fact }) => is(fact));
    return found ? found.at / 1000 : null;
  };
  const calibrated = facts.find(({ fact }) => fact.word === 'run.calibrated')?.fact;
  const isReused = calibrated?.word === 'run.calibrated' && calibrated.body.reusedFrom !== null;
  return [
    single({ name: `${surface}: node enrolled`, unit: 's', note: 'server, daemons, and canaries where they are not on record' }, first(({ word }) => word === 'node.enrolled'), 1),
    single({ name: `${surface}: baseline known`, unit: 's', note: isReused ? 'an equal calibration of an earlier run was taken over' : 'measured here' }, first((fact) => fact.word === 'run.calibrated'), 1),
    single({ name: `${surface}: first measured trial`, unit: 's', aim: { of: 'p50', bound: 'at most', value: 120 }, note: 'after set-up' }, first((fact) => fact.word === 'trial.measured' && fact.ids[0] !== 't0000'), 1),
  ];
}
