import type { Word } from '../domain/fact.ts';
import { LeaseGranted, LeaseLapsed, TrialMeasured } from './measurement.ts';
import type { FactMessage } from './message.ts';
import { BrokerTookFact, NodeEnrolledFact, OperatorActed, RunBestFact, RunCalibrated, RunClaimedFact, RunResumed, RunStartedFact, RunStopped, RunStopping } from './run.ts';
import { CallReservedFact, CallSettledFact, JointAnsweredFact, JointOfferedFact, SessionEndedFact, SessionOpenedFact, SpecialistRecovered, SpecialistStalledFact } from './session.ts';
import { HandoffOffered, TrialAdmitted, TrialRejected, TrialResultFact } from './trial.ts';

/** Every fact by its word: two subject tokens after the run. */
export const FACTS = {
  'run.started': RunStartedFact,
  'run.calibrated': RunCalibrated,
  'run.best': RunBestFact,
  'run.claimed': RunClaimedFact,
  'run.stopping': RunStopping,
  'run.stopped': RunStopped,
  'run.resumed': RunResumed,
  'broker.took': BrokerTookFact,
  'node.enrolled': NodeEnrolledFact,
  'trial.admitted': TrialAdmitted,
  'trial.rejected': TrialRejected,
  'lease.granted': LeaseGranted,
  'lease.lapsed': LeaseLapsed,
  'trial.measured': TrialMeasured,
  'trial.result': TrialResultFact,
  'handoff.offered': HandoffOffered,
  'session.opened': SessionOpenedFact,
  'session.ended': SessionEndedFact,
  'call.reserved': CallReservedFact,
  'call.settled': CallSettledFact,
  'specialist.stalled': SpecialistStalledFact,
  'specialist.recovered': SpecialistRecovered,
  'joint.offered': JointOfferedFact,
  'joint.answered': JointAnsweredFact,
  'operator.acted': OperatorActed,
} as const satisfies Record<Word, FactMessage<string, unknown> | FactMessage<never, unknown>>;

/** The subject of a fact: `brigade.evt.<run>.<word>.<ids…>`. */
export function factSubject(run: string, word: Word, ids: readonly string[]): string {
  const names = FACTS[word].pattern.split('.').filter((token) => token.startsWith(':')).slice(1);
  if (names.length !== ids.length) throw new TypeError(`${word} takes ${names.length} ids, not ${ids.length}`);
  const named: Record<string, string> = { run };
  names.forEach((name, i) => { named[name.slice(1)] = ids[i] ?? ''; });
  return (FACTS[word].subject as (ids: Record<string, string>) => string)(named);
}

/** Where a fact is said whose subject was squatted by something that is no fact: beside it, under the position of what lies there. */
export const besideSubject = (subject: string, squatter: number): string => `${subject}.${squatter}`;

/** What a journal subject says: its run, word and ids, of a fact that stands beside its subject too; null for a subject that is no fact of ours. */
export function readFactSubject(subject: string): { run: string; word: Word; ids: string[] } | null {
  const [root, kind, run, noun, verb] = subject.split('.');
  const word = `${noun}.${verb}`;
  if (root !== 'brigade' || kind !== 'evt' || run === undefined || !(word in FACTS)) return null;
  const found = [subject, subject.replace(/\.\d+$/, '')].find((each) => FACTS[word as Word].idsOf(each) !== null);
  return found === undefined ? null : { run, word: word as Word, ids: found.split('.').slice(5) };
}

