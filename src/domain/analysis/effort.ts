import { SHOWN } from './outcomes.ts';
import type { RunRecord } from './record.ts';
import type { Status } from '../status.ts';

// What a run spent, how fast it went, and how much of its width it used.
//
//   T1. Throughput T is endings an hour between the first trial that ended and the last: n − 1 over that time, so that neither calibration nor the first trial's own length weighs in.
//       Said only of a run that ended at least twice as many more as it has slots: trials that were begun together end together, and fewer would tell of that alone.
//   T2. Parallel efficiency is η = T(N) / (N · T(1)). T(1) is the throughput of another run by one agent where one is given; otherwise that of one trial's slots
//       working through the same trials without a pause, 1 over their mean length.
//   T3. Compute is slot-seconds. A trial whose length is unknown adds none, and how many those are is said.

export interface Effort {
  readonly hours: number | null;
  readonly perHour: number | null;
  readonly width: number;
  readonly alone: { readonly perHour: number; readonly from: string } | null;
  readonly efficiency: number | null;
  readonly slotSeconds: number;
  /** Trials whose length is known. */
  readonly timed: number;
  readonly meanSeconds: number | null;
  readonly labels: readonly { readonly label: Status | 'damaged'; readonly trials: number; readonly slotSeconds: number; readonly share: number }[];
  /** Slot-hours spent for each 1% of the baseline gained; null without a gain. */
  readonly hoursPerPercent: number | null;
  /** Slot-hours spent for each keep. */
  readonly hoursPerKeep: number | null;
}

/** Endings an hour (T1); null with too few that have a time. */
export function throughput({ trials, width }: RunRecord): number | null {
  const { more, hours } = stretch(trials);
  return more < 2 * width || hours <= 0 ? null : more / hours;
}

/** How many trials ended after the first that did, and in how many hours. */
function stretch(trials: RunRecord['trials']): { readonly more: number; readonly hours: number } {
  const ends = trials.flatMap(({ endedAt }) => (endedAt === null ? [] : [endedAt])).sort((a, b) => a - b);
  return { more: ends.length - 1, hours: ((ends.at(-1) ?? 0) - (ends[0] ?? 0)) / 3_600_000 };
}

/** Throughput, parallel efficiency and compute by label. `alone` is a run of one agent to compare with (T2). */
export function effort(run: RunRecord, alone: RunRecord | null): Effort {
  const timed = run.trials.flatMap(({ seconds, status }) => (seconds === null ? [] : [{ seconds, status }]));
  const slotSeconds = timed.reduce((sum, { seconds }) => sum + seconds, 0); // T3
  const meanSeconds = timed.length === 0 ? null : slotSeconds / timed.length;
  const perHour = throughput(run);
  const given = alone === null ? null : throughput(alone);
  const single = given !== null && alone !== null ? { perHour: given, from: alone.run } : meanSeconds === null ? null : { perHour: (3600 * run.slotsEach) / meanSeconds, from: 'its own trials back to back' };
  const gained = run.best !== null && run.baseline ? Math.abs((run.best.score - run.baseline) / run.baseline) * 100 : 0;
  const { more, hours } = stretch(run.trials);
  const keeps = run.trials.filter(({ status }) => status === 'keep').length;
  return {
    hours: more < 1 ? null : hours, perHour, width: run.width, alone: single, efficiency: perHour === null || single === null ? null : perHour / (run.width * single.perHour), // T2
    slotSeconds, timed: timed.length, meanSeconds,
    labels: SHOWN.flatMap((label) => {
      const own = timed.filter(({ status }) => status === label);
      const seconds = own.reduce((sum, trial) => sum + trial.seconds, 0);
      const trials = run.trials.filter(({ status }) => status === label).length + (label === 'damaged' ? run.lostRows : 0);
      return trials === 0 ? [] : [{ label, trials, slotSeconds: seconds, share: slotSeconds === 0 ? 0 : seconds / slotSeconds }];
    }),
    hoursPerPercent: gained > 0 && slotSeconds > 0 ? slotSeconds / 3600 / gained : null, hoursPerKeep: keeps > 0 && slotSeconds > 0 ? slotSeconds / 3600 / keeps : null,
  };
}
