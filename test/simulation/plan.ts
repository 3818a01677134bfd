import type { RunStarted, Word } from '../../src/domain/fact.ts';
import { STARTED } from '../support/story.ts';
import type { Link } from './daemon.ts';
import { dice, type Dice } from './dice.ts';

// What one seed makes of a world: who is there, what the weather is, and what befalls whom.
//
//   L1. A plan is drawn whole before anything happens, so that faults can be left out one by one to find those that matter.

/**
 * When a fault comes: at a moment, or just after the n-th time that a fact of this word is stored. With `insteadMs` it comes to the writer before that: then
 * the words are lost, and said again if he lives, or, of one that is killed, they were on their way and are stored so much later.
 */
export type When = { readonly kind: 'at'; readonly ms: number } | { readonly kind: 'on'; readonly word: Word; readonly nth: number; readonly afterMs: number; readonly insteadMs: number | 'lost' | null };

export interface Fault {
  readonly when: When;
  /** A daemon's name; `sayer` is whoever wrote the fact it waits for. */
  readonly whom: string;
  readonly what:
    | { readonly kind: 'kill' }
    | { readonly kind: 'pause' }
    | { readonly kind: 'link'; readonly up: Link; readonly down: Link }
    | { readonly kind: 'storm'; readonly loss: number; readonly twice: number };
  readonly forMs: number;
}

export interface Plan {
  readonly seed: number;
  readonly brokers: readonly string[];
  readonly keepers: readonly string[];
  readonly hosts: readonly { readonly name: string; readonly slots: number }[];
  readonly specialists: readonly string[];
  readonly started: RunStarted;
  /** Share of deliveries that take long, of phases that a machine's fault ends, and of slots that cannot be cleared. */
  readonly spikes: number;
  readonly faultyPhases: number;
  readonly faultyClearing: number;
  readonly faults: readonly Fault[];
  /** When everything is mended; what follows is quiet. */
  readonly healAt: number;
}

const TTL_MS = 3_000;
const WORDS: readonly [Word, ...Word[]] = ['lease.granted', 'lease.granted', 'trial.measured', 'trial.measured', 'run.best', 'run.best', 'trial.result', 'trial.admitted', 'lease.lapsed', 'run.calibrated', 'node.enrolled', 'run.stopping', 'run.claimed', 'broker.took', 'broker.took'];

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  const drawn = dice('plan', seed);
  const hosts = Array.from({ length: drawn.whole(1, 3) }, (_, i) => ({ name: ['atlas', 'boreas', 'chione'][i] ?? '', slots: drawn.whole(1, 2) }));
  const brokers = drawn.happens(0.3) ? ['broker', 'broker2'] : ['broker'];
  const keepers = drawn.happens(0.2) ? ['keeper', 'keeper2'] : ['keeper'];
  const specialists = ['optimizer', 'data'];
  const isWide = drawn.happens(0.15) && hosts.some(({ slots }) => slots === 2);
  const isCalm = drawn.happens(0.05);
  const healAt = drawn.between(4_000, 20_000);
  const names: [string, ...string[]] = [...brokers, ...brokers, ...hosts.flatMap(({ name }) => [`evaluator-${name}`, `evaluator-${name}`]), ...keepers, ...specialists] as [string, ...string[]];
  const faults = isCalm ? [] : Array.from({ length: drawn.whole(1, 7) }, () => faultOf(drawn, names, healAt));
  return {
    seed, brokers, keepers, hosts, specialists, faults, healAt,
    spikes: drawn.pick([0, 0, 0.02, 0.1]), faultyPhases: drawn.pick([0, 0, 0, 0.05, 0.2]), faultyClearing: drawn.pick([0, 0, 0, 0.02]),
    started: {
      ...STARTED, leaseTtlMs: TTL_MS, calibrationReplicates: 2, slotsPerReplicate: isWide ? 2 : 1, roster: specialists,
      keep: { kind: drawn.happens(0.25) ? 'strict' : 'confirmed', alpha: 0.1, replicates: 2 },
      objective: { ...STARTED.objective, ...(drawn.happens(0.2) ? { confirm: 'fresh' as const } : {}) },
      limits: { trials: drawn.whole(2, 5), slotSeconds: drawn.happens(0.1) ? drawn.between(10, 40) : null, wallSeconds: drawn.happens(0.1) ? drawn.between(8, 40) : null, tokens: null, money: null, secondsWithoutKeep: null },
    },
  };
}

function faultOf(drawn: Dice, names: readonly [string, ...string[]], healAt: number): Fault {
  const [up, down] = drawn.pick<readonly [Link, Link]>([['cut', 'cut'], ['stalled', 'stalled'], ['open', 'cut'], ['cut', 'open'], ['open', 'stalled'], ['stalled', 'open']]);
  const what = drawn.pick<Fault['what']>([{ kind: 'kill' }, { kind: 'kill' }, { kind: 'pause' }, { kind: 'link', up, down }, { kind: 'storm', loss: drawn.pick([0, 0.1, 0.5]), twice: drawn.pick([0, 0.2, 0.5]) }]);
  const forMs = drawn.pick([200, 1_000, 2_500, 4_000, 9_000]) * drawn.between(0.5, 1.2);
  const isInstead = drawn.happens(0.3);
  const late = drawn.pick([drawn.between(0, 6_000), forMs + drawn.between(0, 25)]); // as its next start comes to the same words
  const insteadMs = !isInstead ? null : what.kind === 'kill' && drawn.happens(0.6) ? late : 'lost';
  const isOn = drawn.happens(0.6);
  const when: When = isOn ? { kind: 'on', word: drawn.pick(WORDS), nth: drawn.whole(1, drawn.pick([1, 3, 10])), afterMs: drawn.pick([0, 0.1, 2, 50]), insteadMs } : { kind: 'at', ms: drawn.between(0, healAt) };
  return { when, whom: isOn && drawn.happens(0.6) ? 'sayer' : drawn.pick(names), what, forMs };
}
