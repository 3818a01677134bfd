import { assign, fromPromise, setup } from 'xstate';
import type { Proposal } from '../../domain/trial.ts';
import { inFlight, PATIENCE, retryMs, sign, type Wanted } from './decide.ts';
import type { Answer, SpecialistView, Thought } from './proposer.ts';

// One specialist: reads, thinks, submits, waits, and reads again until the run takes no more.
//
//   A1. It holds nothing that the journal does not hold too: a fresh process finds its own unfinished trials in the rows.
//   A2. A neighbour that does not answer is asked again, after growing pauses, and the same thought is submitted again under the same id.
//   A3. A refusal is a lesson and is read; after `PATIENCE` in a row only a new result is.
//   A4. At most `concurrent` of its trials are unfinished at once.
//   A5. The machine reads no clock: pauses are an effect.

export type { Answer } from './proposer.ts';

interface Context {
  readonly specialist: string;
  readonly concurrent: number;
  readonly view: SpecialistView | null;
  readonly proposal: Proposal | null;
  /** The feedback that the author of the proposal had read. */
  readonly feedback: string | null;
  readonly wanted: Wanted | null;
  readonly refusals: number;
  readonly failures: number;
  /** A trial of its own took so long that the broker is asked whether it still runs. */
  readonly isOverdue: boolean;
  readonly why: string;
}

/** Something failed that trying again may mend. */
interface Trouble { readonly error: unknown }

const unprovided = (name: string) => async (): Promise<never> => { throw new Error(`no implementation provided for ${name}`); };
const reasonOf = ({ error }: Trouble): string => (error instanceof Error ? error.message : String(error)).slice(0, 300);

const machineSetup = setup({
  types: { context: {} as Context, input: {} as Pick<Context, 'specialist' | 'concurrent'> },
  actors: {
    read: fromPromise<SpecialistView>(unprovided('read')),
    think: fromPromise<Thought, { view: SpecialistView }>(unprovided('think')),
    submit: fromPromise<Answer, { proposal: Proposal; feedback: string | null }>(unprovided('submit')),
    await: fromPromise<'there' | 'overdue', { wanted: Wanted }>(unprovided('await')),
    pause: fromPromise<void, { ms: number }>(unprovided('pause')),
  },
  actions: {
    keepView: assign((_, { view }: { view: SpecialistView }) => ({ view })),
    keepProposal: assign(({ context }, { thought }: { thought: Thought }) => (thought.kind === 'proposal'
      ? { ...signed(thought, context), failures: 0, why: `submitting ${thought.draft.proposer.strategy}` } : {})),
    want: assign((_, { wanted, why }: { wanted: Wanted; why: string }) => ({ wanted, why, proposal: null, isOverdue: false, failures: 0 })),
    countRefusal: assign(({ context }) => ({ refusals: context.refusals + 1 })),
    forgiveRefusals: assign({ refusals: 0 }),
    countFailure: assign(({ context }, trouble: Trouble) => ({ failures: context.failures + 1, why: `${reasonOf(trouble)}; asking again in ${retryMs(context.failures + 1) / 1000} s` })),
    noteOverdue: assign((_, { waited }: { waited: 'there' | 'overdue' }) => ({ isOverdue: waited === 'overdue' })),
    explain: assign((_, { why }: { why: string }) => ({ why })),
  },
  guards: {
    hasEnoughInFlight: ({ context }, { view }: { view: SpecialistView }) => !context.isOverdue && inFlight(view.rows, context.specialist).length >= context.concurrent,
    isPatient: ({ context }) => context.refusals + 1 < PATIENCE,
    isProposal: (_, { thought }: { thought: Thought }) => thought.kind === 'proposal',
    isNext: (_, { thought, next }: { thought: Thought; next: 'again' | 'closed' }) => thought.kind === 'nothing' && thought.next === next,
    isAnswer: (_, { answer, kind }: { answer: Answer; kind: Answer['kind'] }) => answer.kind === kind,
  },
});

const reasonNot = (thought: Thought): string => (thought.kind === 'proposal' ? '' : thought.reason);

/** A thought under its specialist's name, and what its author knew. */
const signed = ({ draft, knew }: Extract<Thought, { kind: 'proposal' }>, { specialist, view }: Context): Pick<Context, 'proposal' | 'feedback'> =>
  ({ proposal: sign(draft, specialist, knew?.asOf ?? view?.asOf ?? 0), feedback: knew ? knew.feedback : view?.feedback ?? null });

const nextResult = (context: Context, isUrgent: boolean): Wanted => ({ kind: 'result', after: context.view?.asOf ?? 0, isUrgent });

/** The chart of one specialist: read, think, submit, wait. */
export const specialistMachine = machineSetup.createMachine({
  id: 'specialist',
  context: ({ input }) => ({ ...input, view: null, proposal: null, feedback: null, wanted: null, refusals: 0, failures: 0, isOverdue: false, why: 'reading the lineage' }),
  initial: 'reading',
  states: {
    reading: {
      entry: { type: 'explain', params: { why: 'reading the lineage' } },
      invoke: {
        src: 'read',
        onDone: [
          { guard: { type: 'hasEnoughInFlight', params: ({ event }) => ({ view: event.output }) }, target: 'submitted', actions: [ // A1, A4
            { type: 'keepView', params: ({ event }) => ({ view: event.output }) },
            { type: 'want', params: ({ context, event }) => wantEnded(inFlight(event.output.rows, context.specialist)) },
          ] },
          { target: 'proposing', actions: { type: 'keepView', params: ({ event }) => ({ view: event.output }) } },
        ],
        onError: { target: 'resting', actions: { type: 'countFailure', params: ({ event }) => ({ error: event.error }) } }, // A2
      },
    },
    proposing: {
      entry: { type: 'explain', params: ({ context }) => ({ why: `thinking, having read up to ${context.view?.asOf ?? 0}` }) },
      invoke: {
        src: 'think', input: ({ context }) => ({ view: context.view as SpecialistView }),
        onDone: [
          { guard: { type: 'isProposal', params: ({ event }) => ({ thought: event.output }) }, target: 'submitting', actions: { type: 'keepProposal', params: ({ event }) => ({ thought: event.output }) } },
          { guard: { type: 'isNext', params: ({ event }) => ({ thought: event.output, next: 'again' }) }, target: 'reading' },
          { guard: { type: 'isNext', params: ({ event }) => ({ thought: event.output, next: 'closed' }) }, target: 'closed', actions: { type: 'explain', params: ({ event }) => ({ why: reasonNot(event.output) }) } },
          { target: 'waiting', actions: { type: 'want', params: ({ context, event }) => ({ wanted: nextResult(context, false), why: `for a result: ${reasonNot(event.output)}` }) } },
        ],
        onError: { target: 'resting', actions: { type: 'countFailure', params: ({ event }) => ({ error: event.error }) } },
      },
    },
    submitting: {
      invoke: {
        src: 'submit', input: ({ context }) => ({ proposal: context.proposal as Proposal, feedback: context.feedback }),
        onDone: [
          { guard: { type: 'isAnswer', params: ({ event }) => ({ answer: event.output, kind: 'closed' }) }, target: 'closed', actions: { type: 'explain', params: ({ event }) => ({ why: event.output.kind === 'closed' ? event.output.reason : '' }) } },
          { guard: { type: 'isAnswer', params: ({ event }) => ({ answer: event.output, kind: 'admitted' }) }, target: 'submitted', actions: ['forgiveRefusals', { type: 'want', params: ({ event }) => wantSeen(event.output) }] },
          { guard: { type: 'isAnswer', params: ({ event }) => ({ answer: event.output, kind: 'busy' }) }, target: 'waiting', actions: { type: 'want', params: ({ context }) => ({ wanted: nextResult(context, true), why: 'for a result: the queue is long enough' }) } },
          { guard: 'isPatient', target: 'submitted', actions: ['countRefusal', { type: 'want', params: ({ event }) => wantSeen(event.output) }] }, // A3
          { target: 'waiting', actions: ['forgiveRefusals', { type: 'want', params: ({ context, event }) => ({ wanted: nextResult(context, true), why: `for a result: refused ${PATIENCE} times, last ${event.output.kind === 'rejected' ? event.output.reason : ''}` }) }] }, // A3
        ],
        onError: { target: 'resubmitting', actions: { type: 'countFailure', params: ({ event }) => ({ error: event.error }) } }, // A2
      },
    },
    submitted: {
      invoke: {
        src: 'await', input: ({ context }) => ({ wanted: context.wanted as Wanted }), onDone: { target: 'reading', actions: { type: 'noteOverdue', params: ({ event }) => ({ waited: event.output }) } },
        onError: { target: 'resting', actions: { type: 'countFailure', params: ({ event }) => ({ error: event.error }) } }, // A2
      },
    },
    waiting: {
      invoke: {
        src: 'await', input: ({ context }) => ({ wanted: context.wanted as Wanted }), onDone: { target: 'reading', actions: { type: 'noteOverdue', params: ({ event }) => ({ waited: event.output }) } },
        onError: { target: 'resting', actions: { type: 'countFailure', params: ({ event }) => ({ error: event.error }) } }, // A2
      },
    },
    resting: { invoke: { src: 'pause', input: ({ context }) => ({ ms: retryMs(context.failures) }), onDone: 'reading' } },
    resubmitting: { invoke: { src: 'pause', input: ({ context }) => ({ ms: retryMs(context.failures) }), onDone: 'submitting' } },
    closed: { type: 'final' },
  },
});

/** Before it thinks again, a specialist must find its last proposal in the lineage, or it would think the same. */
function wantSeen(answer: Answer): { wanted: Wanted; why: string } {
  const trial = answer.kind === 'admitted' || answer.kind === 'rejected' ? answer.trial : '';
  return { wanted: { kind: 'seen', trial }, why: `for ${trial}` };
}

const wantEnded = (trials: readonly string[]): { wanted: Wanted; why: string } => ({ wanted: { kind: 'ended', trials }, why: `for ${trials.join(', ')}` });
