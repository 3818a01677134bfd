import { BASELINE, trialId, type TrialId } from './ids.ts';
import { statusOf, type Lineage } from './lineage.ts';
import type { JointOffered } from './session.ts';
import type { Proposal } from './trial.ts';

// A run's proposals as they can be made again, without whoever thought of them.
//
//   Y1. Every proposal is in it by its number, refused ones too: made in this order they have the same ids again.
//   Y2. Each names the trials that had ended since the one before it was made. It waits for them to end again, so that it can merge what was kept
//       then, and so that trials follow one another as they did, whatever the number of slots.
//   Y3. What was read, and what thinking cost, is not made again: a replayed proposal has read nothing and costs nothing.

/** One proposal to make again. */
export interface Recorded {
  readonly trial: TrialId;
  readonly proposal: Proposal;
  /** The draft that it carries out, which is offered first; null for a trial of one. */
  readonly draft: JointOffered | null;
  /** Trials that had ended since the proposal before (Y2). */
  readonly after: readonly TrialId[];
}

/** The proposals of a run in the order of their ids; what is missing from it makes it useless, and is said. */
export function recordingOf(lineage: Lineage): { readonly kind: 'recording'; readonly recorded: readonly Recorded[] } | { readonly kind: 'damaged'; readonly why: string } {
  const rows = [...lineage.trials.values()].filter(({ trial }) => trial !== BASELINE).sort((a, b) => a.number - b.number);
  const gap = rows.findIndex(({ number }, i) => number !== i + 1);
  if (gap >= 0) return { kind: 'damaged', why: `${trialId(gap + 1)} is missing from it` }; // Y1
  const ends = rows.flatMap((row) => (row.result === null ? [] : [{ trial: row.trial, seq: row.seq }])).sort((a, b) => a.seq - b.seq);
  let told = 0;
  const recorded: Recorded[] = [];
  for (const { trial, proposal, admittedSeq } of rows) {
    const from = told;
    while ((ends[told]?.seq ?? Infinity) < admittedSeq) told += 1;
    const draft = proposal.joint === undefined ? null : lineage.sessions.joints.get(proposal.joint.draft)?.offered ?? null;
    if (proposal.joint !== undefined && draft === null) return { kind: 'damaged', why: `the draft ${proposal.joint.draft} that ${trial} carries out is missing from it` };
    const { session: _session, joint: _joint, ...alone } = proposal; // Y3
    recorded.push({
      trial, draft, after: ends.slice(from, told).map((end) => end.trial),
      proposal: { ...alone, asOf: 0, tokens: 0, money: 0, proposer: { ...proposal.proposer, kind: 'replay' }, ...(proposal.joint === undefined ? {} : { joint: proposal.joint }) },
    });
  }
  return { kind: 'recording', recorded };
}

/** Whether a proposal's turn has come in the run that makes it again (Y2). What is refused this time has ended too. */
export const isDue = (lineage: Lineage, { after }: Recorded): boolean => after.every((trial) => {
  const row = lineage.trials.get(trial);
  return row !== undefined && statusOf(row) !== null;
});
