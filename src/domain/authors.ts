import { trialId, trialNumber, type TrialId } from './ids.ts';
import type { Lineage, TrialRow } from './lineage.ts';
import type { Proposal } from './trial.ts';

// Who stands behind a trial.
//
//   W1. A joint trial is its drafter's and that of the owner who took part, whatever of the draft was amended. What it
//       adds to neither's files is the drafter's.
//   W2. Its slot seconds are the drafter's: saying yes to another's idea costs nobody a place in the queue.
//   W3. An incumbent that is measured beside one contender alone is measured on the contender's account: a best is not charged for being challenged.

/** The specialists who put their names to a proposal; the first is the one whom what it adds belongs to. */
export const namesOn = ({ specialist, joint }: Pick<Proposal, 'specialist' | 'joint'>): readonly string[] => (joint === undefined ? [specialist] : [joint.with, specialist]); // W1

/** The same as people read it. */
export const bylineOf = (proposal: Pick<Proposal, 'specialist' | 'joint'>): string => [...namesOn(proposal)].reverse().join(' + ');

/** Who stands behind a trial: the names on it, and for a composed one those on its parts. */
export function authorsOf(lineage: Lineage, { trial, proposal }: Pick<TrialRow, 'trial' | 'proposal'>): string[] {
  const earlier = proposal.parts.flatMap((part) => lineage.trials.get(part) ?? []).filter((row) => row.number < trialNumber(trial)); // a part was kept before it was merged
  return [...new Set([...namesOn(proposal), ...earlier.flatMap((row) => authorsOf(lineage, row))])];
}

/** Whom the slot seconds of a trial's own replicates are charged to. */
export const payerOf = ({ specialist, joint }: Pick<Proposal, 'specialist' | 'joint'>): string => joint?.with ?? specialist; // W2

/** Whom a replicate is charged to: the account of its own trial, or of the contender it stands beside. */
export function payerFor(lineage: Lineage, trial: TrialId, replicate: string): string { // W3
  const beside = /^[a-z](\d+)-\d+$/.exec(replicate)?.[1];
  const row = (beside === undefined ? undefined : lineage.trials.get(trialId(Number(beside)))) ?? lineage.trials.get(trial);
  return row ? payerOf(row.proposal) : '';
}
