import { counted, duration } from './figures.ts';
import type { EvaluatorSpec, Milestone, PhaseSpec, SlotRequest } from './surface.ts';

/** What an evaluator holds every recipe to. */
export interface Rules {
  readonly spec: Pick<EvaluatorSpec, 'objective' | 'scoreSource' | 'seeds' | 'seedsFor' | 'scoreSeconds' | 'phases' | 'artifact' | 'gates' | 'limits'>;
  readonly slots: SlotRequest;
}

/** The evaluator's rules in sentences, from the values it goes by itself. */
export function rulesOf({ spec, slots }: Rules): string[] {
  const { objective, artifact, gates, limits, phases } = spec;
  const seeds = spec.seedsFor ? `${spec.seedsFor.search} to screen, ${spec.seedsFor.confirm} to confirm` : String(spec.seeds);
  return [
    `The score is ${objective.metric} in ${objective.unit}, and ${objective.direction === 'minimize' ? 'lower is better: an expectedDelta for the better is negative' : 'higher is better: an expectedDelta for the better is positive'}; a score outside ${objective.range[0]} to ${objective.range[1]} is none.${spec.scoreSeconds === null ? '' : ` It is the seconds of ${spec.scoreSeconds.join(' and ')}, read by the evaluator's own clock.`}`,
    spec.scoreSource === 'evaluator' ? 'The evaluator computes it from what the recipe leaves behind, on data the recipe never sees; what a recipe prints about itself counts for nothing.' : 'It is read from what the recipe reports.',
    ...(seeds === '1' ? [] : [`One measurement trains and evaluates with ${seeds} seeds, and takes their mean.`]),
    ...phases.map(phaseRule),
    ...(artifact.capBytes === null ? [] : [`${artifact.file} and the recipe's own files may take ${counted(artifact.capBytes)} bytes together; one more, and the trial is size_blocked.`]),
    ...gates.map(({ name, limit, at }) => `${name} must be at ${at} ${limit}, or the trial is disqualified.`),
    `A measurement has ${slots.count} ${slots.kind === 'gpu' ? 'GPU' : 'CPU'} slot${slots.count === 1 ? '' : 's'}, ${size(limits.memoryBytes)} of memory, ${counted(limits.processes)} processes, ${counted(limits.openFiles)} open files, ${size(limits.scratchBytes)} of scratch, and no network. Of what it prints, ${size(limits.logBytes)} are kept.`,
  ];
}

function phaseRule({ name, role, budgetSeconds, toleranceSeconds, wallSeconds, clock, milestones, data }: PhaseSpec): string {
  const what = { smoke: 'a short run first, that decides whether the recipe works and how large it gets, and is no score', train: 'training', eval: 'evaluation' }[role];
  const kind = clock === 'calibrated' ? 'CPU seconds of a calibrated core' : 'by the clock on the wall';
  const parts = milestones.length === 0 ? `at most ${duration(budgetSeconds)} (${kind})${forgiven(toleranceSeconds)}` : milestones.map(stretch).join('; ');
  return `Phase ${name} (${what}): ${parts}; it is killed ${duration(wallSeconds)} after its start in any case.${data.length === 0 ? '' : ` It reads ${data.join(', ')}.`}`;
}

const stretch = ({ name, budgetSeconds, toleranceSeconds }: Milestone): string => `${name} at most ${duration(budgetSeconds)}${forgiven(toleranceSeconds)}`;
const forgiven = (seconds: number): string => (seconds === 0 ? '' : `, ${duration(seconds)} more are forgiven`);
const size = (bytes: number): string => (bytes >= 1e9 ? `${+(bytes / 1e9).toFixed(1)} GB` : bytes >= 1e6 ? `${+(bytes / 1e6).toFixed(1)} MB` : `${+(bytes / 1e3).toFixed(1)} KB`);
