import type { Limits } from '../domain/budget.ts';
import { PROPOSER_KINDS, type ProposerKind } from '../actors/specialist/index.ts';
import { NO_LIMITS } from '../domain/budget.ts';
import type { Arm, KeepRule } from '../domain/fact.ts';
import type { RunId } from '../domain/ids.ts';
import type { Surface } from '../domain/surface.ts';
import { choice } from './choice.ts';
import { limitsOf, type LimitFlags } from './limits.ts';
import { Mistake } from './mistake.ts';
import { number } from './number.ts';

/** What `brigade run` was asked for, before the surface's defaults are known. */
export interface RunFlags extends LimitFlags {
  readonly seed?: string; readonly keep?: string; readonly alpha?: string;
  readonly replicates?: string; readonly calibration?: string; readonly proposer?: string; readonly compose?: string; readonly arm?: string; readonly lineage?: boolean; readonly ownership?: string;
  readonly slots?: string; readonly sandbox?: string; readonly ttl?: string; readonly priority?: string; readonly wholeNode?: boolean;
}

/** A run's settings, whole: no field is optional and nothing else reads a flag. */
export interface RunConfig {
  readonly limits: Limits;
  readonly seed: number;
  readonly keep: KeepRule;
  readonly arm: Arm;
  readonly roster: readonly string[];
  readonly proposer: ProposerKind | 'llm';
  /** How what is kept apart is put together meanwhile; null for not at all. */
  readonly compose: 'greedy' | 'ablate' | null;
  /** The run whose proposals it makes again; null where specialists think. */
  readonly replays: RunId | null;
  readonly calibrationReplicates: number;
  readonly leaseTtlMs: number;
  /** Its share of slots that other runs want too, as a weight. */
  readonly priority: number;
  /** Whether each of its leases has a node to itself. */
  readonly wholeNode: boolean;
  readonly slots: number | null;
  readonly sandbox: 'best' | 'bubblewrap' | 'namespaces' | 'none';
}

/** Confirmations on five fresh seeds, kept at one in a hundred. */
const KEEP: KeepRule = { kind: 'confirmed', alpha: 0.01, replicates: 5 };
/** Above the longest stall of a healthy server, below the patience of a person who waits for a dead node. */
const LEASE_TTL_MS = 30_000;

/** Flags over the surface's defaults. Throws `Mistake` naming the flag. */
export function configure(surface: Surface, flags: RunFlags): RunConfig {
  const arm = armOf(surface, flags);
  return {
    limits: { ...NO_LIMITS, ...surface.limits, ...limitsOf(flags) },
    seed: flags.seed === undefined ? 0 : number('--seed', flags.seed, 0, Number.MAX_SAFE_INTEGER, true),
    keep: {
      kind: choice('--keep', flags.keep ?? KEEP.kind, ['confirmed', 'strict']),
      alpha: flags.alpha === undefined ? KEEP.alpha : number('--alpha', flags.alpha, 1e-6, 0.49, false),
      replicates: flags.replicates === undefined ? KEEP.replicates : number('--replicates', flags.replicates, 2, 50, true),
    },
    arm, roster: rosterOf(surface, arm),
    compose: composeOf(flags, arm), replays: null,
    proposer: choice('--proposer', flags.proposer ?? 'search', [...PROPOSER_KINDS, 'llm']),
    calibrationReplicates: flags.calibration === undefined ? surface.calibrationReplicates : number('--calibration', flags.calibration, 2, 50, true),
    leaseTtlMs: flags.ttl === undefined ? LEASE_TTL_MS : number('--ttl', flags.ttl, 0.5, 600, false) * 1000,
    priority: flags.priority === undefined ? 1 : number('--priority', flags.priority, 0.01, 1000, false),
    wholeNode: flags.wholeNode === true,
    slots: flags.slots === undefined ? null : number('--slots', flags.slots, 1, 1024, true),
    sandbox: choice('--sandbox', flags.sandbox ?? 'best', ['best', 'bubblewrap', 'namespaces', 'none']),
  };
}

function armOf(surface: Surface, flags: RunFlags): Arm {
  const asked = flags.arm ?? 'specialists';
  const lineage = flags.lineage !== false;
  const mode = choice('--ownership', flags.ownership ?? (asked === 'specialists' ? 'enforced' : 'advisory'), ['enforced', 'advisory']);
  if (mode === 'enforced' && asked !== 'specialists') throw new Mistake(`--ownership enforced with --arm ${asked} would refuse every proposal, for its agents own nothing: leave one of the two out`);
  const generic = /^generic-(\d{1,2})$/.exec(asked);
  if (generic) return { kind: 'generic', agents: number('--arm', generic[1] ?? '', 1, 64, true), ownership: 'advisory', lineage };
  const kind = choice('--arm', asked, ['specialists', 'single']);
  return { kind, agents: kind === 'single' ? 1 : surface.roster.length, ownership: mode, lineage };
}

/** Who is told nothing has nothing to compose. */
function composeOf(flags: RunFlags, arm: Arm): RunConfig['compose'] {
  if (flags.compose === undefined) return null;
  if (!arm.lineage) throw new Mistake('--compose needs to know what was kept, which --no-lineage hides from everybody: leave one of the two out');
  return choice('--compose', flags.compose, ['greedy', 'ablate']);
}

const rosterOf = (surface: Surface, arm: Arm): string[] =>
  arm.kind === 'specialists' ? surface.roster.map(({ specialist }) => specialist)
    : arm.kind === 'single' ? ['generalist'] : Array.from({ length: arm.agents }, (_, i) => `generalist-${i + 1}`);
