import type { RunStarted } from '../fact.ts';
import { counted } from '../figures.ts';
import type { Lineage } from '../lineage.ts';

// Which runs are seeds of one arm, and which runs may be compared at all.
//
//   A1. An arm is how a run was set up but for its seed and its limits: kind, agents, ownership, lineage, proposer, composer, roster.
//   A2. Runs of different surfaces, evaluators or objectives are never compared: their difference is not the arms'.
//   A3. What an imported run was set up with is not recorded: it is an arm by itself unless whoever compares says otherwise, and its metric must be the others'.
//   A4. What differs besides the arm is said.

/** One run to compare. `arm` is what the user calls its arm; null names it by its settings. */
export interface Compared { readonly run: string; readonly lineage: Lineage; readonly arm: string | null }

/** Runs of one arm, in the order they were named. */
export interface ArmOfRuns { readonly arm: string; readonly runs: readonly Compared[] }

/** The arm of a run in words (A1). */
export function armName({ arm, proposer, compose, rosterName }: RunStarted): string {
  const usual = arm.kind === 'specialists' ? 'enforced' : 'advisory';
  const kind = arm.kind === 'single' ? 'single' : arm.kind === 'generic' ? `generic-${arm.agents}` : `${arm.agents} specialists`;
  return [kind, ...(rosterName === undefined ? [] : [`roster ${rosterName}`]), ...(arm.ownership === usual ? [] : [arm.ownership]), ...(arm.lineage ? [] : ['no lineage']), proposer, ...(compose === undefined ? [] : [`compose ${compose}`])].join(', ');
}

/** Groups runs into arms, in the order in which each arm is first named. */
export function armsOf(runs: readonly Compared[]): ArmOfRuns[] {
  const arms = new Map<string, Compared[]>();
  for (const one of runs) {
    const { started, imported } = one.lineage;
    const name = one.arm ?? (started === null || imported !== null ? one.run : armName(started)); // A3
    const beside = arms.get(name);
    if (beside) beside.push(one); else arms.set(name, [one]);
  }
  return [...arms].map(([arm, members]) => ({ arm, runs: members }));
}

/** Why some runs cannot be compared, with the remedy; null when they can (A2). */
export function incomparable(runs: readonly Compared[]): string | null {
  const [first, ...others] = runs;
  const a = first?.lineage.started;
  if (!first || !a) return first ? `${first.run} has not started: there is nothing to compare yet` : 'name the runs to compare';
  for (const { run, lineage } of others) {
    const b = lineage.started;
    if (!b) return `${run} has not started: there is nothing to compare yet`;
    const because = (what: string): string => `${first.run} and ${run} cannot be compared: ${what}, so a difference between them would not be their arms'. Compare runs of one surface and evaluator`;
    if (a.objective.metric !== b.objective.metric || a.objective.direction !== b.objective.direction) return because(`one has ${a.objective.metric}, ${a.objective.direction}d, the other ${b.objective.metric}, ${b.objective.direction}d`);
    if (first.lineage.imported !== null || lineage.imported !== null) continue; // A3
    if (a.surface !== b.surface) return because(`one searches ${a.surface}, the other ${b.surface}`);
    if (a.surfaceHash !== b.surfaceHash) return because(`surfaces/${a.surface} was changed between them`);
    if (a.evaluator !== b.evaluator || a.evaluatorHash !== b.evaluatorHash) return because(`they were measured by different evaluators (${a.evaluator} ${a.evaluatorHash.slice(0, 8)}, ${b.evaluator} ${b.evaluatorHash.slice(0, 8)})`);
    if (JSON.stringify(a.objective) !== JSON.stringify(b.objective)) return because('their objectives differ');
  }
  return null;
}

/** What differs between some runs besides their arms, a line each (A4). */
export function differences(runs: readonly Compared[]): string[] {
  const groups = (what: string, of: (one: Compared) => string | null): string[] => {
    const found = new Map<string, string[]>();
    for (const one of runs) { const value = of(one); if (value !== null) found.set(value, [...found.get(value) ?? [], one.run]); }
    return found.size < 2 ? [] : [`${what} differ: ${[...found].map(([value, names]) => `${value} (${names.join(', ')})`).join('; ')}`];
  };
  const own = ({ lineage }: Compared): RunStarted | null => (lineage.imported === null ? lineage.started : null);
  const some = (names: readonly string[], says: string): string[] => (names.length === 0 ? [] : [`${names.join(', ')} ${says}`]);
  return [
    ...groups('limits', (one) => { const limits = own(one) && one.lineage.limits; return limits ? Object.entries(limits).flatMap(([name, value]) => (value === null ? [] : [`${name} ${counted(value)}`])).join(' ') || 'none' : null; }),
    ...groups('keep rules', (one) => { const keep = own(one)?.keep; return keep ? (keep.kind === 'strict' ? 'strict' : `confirmed, p < ${keep.alpha}, ${keep.replicates} seeds`) : null; }),
    ...groups('devices', (one) => (own(one) ? one.lineage.calibration?.device ?? null : null)),
    ...groups('environments', (one) => (own(one) ? one.lineage.calibration?.environmentHash.slice(0, 8) ?? null : null)),
    ...groups('slots', (one) => (own(one) ? String([...one.lineage.nodes.values()].reduce((sum, { slots }) => sum + slots.length, 0)) : null)),
    ...groups('models', ({ lineage }) => [...new Set([...lineage.sessions.rows.values()].map(({ opened }) => opened.model))].sort().join(' and ') || null),
    ...some(runs.filter((one) => own(one) && one.lineage.stopped === null).map(({ run }) => run), 'has not ended'),
    ...some(runs.filter(({ lineage }) => lineage.operatorActs.length > 0).map(({ run, lineage }) => `${run} (${lineage.operatorActs.length})`), 'was not left alone: operator interventions'),
    ...(new Set(runs.map(({ lineage }) => lineage.imported !== null)).size > 1 || runs.filter(({ lineage }) => lineage.imported).length > 1 ? ['of imported runs it is not recorded what surface, evaluator and arm they had: that they agree is your word'] : []),
  ];
}
