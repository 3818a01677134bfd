import { prove } from '../../../src/cli/verify.ts';
import { verifySignature } from '../../../src/adapters/signature/index.ts';
import type { Fact } from '../../../src/domain/fact.ts';
import { emptyLineage, grow, MAX_ATTEMPTS, type Lineage } from '../../../src/domain/lineage.ts';
import { digestOf } from '../watch.ts';
import type { Evidence, Invariant } from './evidence.ts';

// What the journal alone, or with what was promised and seen meanwhile, must show.

/** Facts folded in order. */
export function fold(run: string, facts: readonly Fact[]): Lineage {
  const lineage = emptyLineage();
  for (const fact of facts) grow(lineage, fact, run, verifySignature);
  return lineage;
}

const subjectOf = ({ word, ids }: Fact): string => [word, ...ids].join('.');

export const durable: Invariant = {
  id: 'I1', says: 'what was acknowledged or seen is in the journal',
  check({ entries, facts }) {
    const bySeq = new Map(facts.map((fact) => [fact.seq, digestOf(fact)]));
    const notes = new Map<string, number>();
    for (const fact of facts) if (fact.word === 'operator.acted' && fact.body.act === 'note') notes.set(fact.body.detail, (notes.get(fact.body.detail) ?? 0) + 1);
    return entries.flatMap((entry) => {
      if (entry.kind === 'ok') return notes.has(entry.op) ? [] : [`${entry.op} was acknowledged and is not in the journal`];
      if (entry.kind === 'fail') return notes.has(entry.op) ? [`${entry.op} surely failed and is in the journal`] : [];
      if (entry.kind === 'fact') return bySeq.get(entry.seq) === entry.digest ? [] : [`position ${entry.seq} was ${entry.word} and is ${bySeq.has(entry.seq) ? 'something else' : 'gone'}`];
      return [];
    });
  },
};

export const once: Invariant = {
  id: 'I2', says: 'a trial ends once, a replicate counts once, leases end',
  check({ run, facts, boxes }) {
    const found: string[] = [];
    const said = new Map<string, number>();
    for (const fact of facts) {
      const subject = subjectOf(fact);
      if (said.has(subject)) found.push(`${subject} was said at ${said.get(subject)} and at ${fact.seq}`);
      said.set(subject, fact.seq);
    }
    const lineage = fold(run, facts);
    let counted = 0;
    for (const row of lineage.trials.values()) for (const { replicate, attempts, measured } of row.replicates.values()) {
      if (measured) counted += 1;
      if (attempts.length > MAX_ATTEMPTS) found.push(`${row.trial} ${replicate} was leased ${attempts.length} times`);
    }
    const measured = facts.filter(({ word }) => word === 'trial.measured').length;
    const aborted = facts.filter((fact) => fact.word === 'trial.measured' && fact.body.measurement.failure?.kind === 'harness_abort').length; // of these, all but a third attempt are made again
    if (counted + lineage.superseded > measured || counted + lineage.superseded + aborted < measured) found.push(`${counted} measurements count and ${lineage.superseded} are superseded, of ${measured} with ${aborted} aborted`);
    if (boxes !== null) for (const key of lineage.leases.keys()) if (lineage.stopped !== null && lineage.stopMode !== 'now') found.push(`the lease of ${key} was neither measured nor lapsed`);
    return found;
  },
};

export const honest: Invariant = {
  id: 'I6', says: 'every status, best and calibration follows from signed measurements',
  check({ run, facts }) {
    const { proofs, unproved, odd } = prove(run, facts, verifySignature);
    return [
      ...proofs.filter(({ agrees }) => !agrees).map(({ what, id, differs }) => `${what} ${id} does not follow: ${differs.join(', ') || 'nothing supports it'}`),
      ...(unproved > 0 ? [`${unproved} results say they were judged after they were said`] : []),
      ...(odd > 0 ? [`${odd} facts make no sense`] : []),
    ];
  },
};

export const live: Invariant = {
  id: 'I9', says: 'the run goes on after every fault, and ends when it is told to',
  check({ entries, facts, resumeMs, boxes }: Evidence) {
    const found: string[] = [];
    const worked = entries.flatMap((entry) => (entry.kind === 'fact' && (entry.word === 'trial.measured' || entry.word === 'trial.result') ? [entry.ms] : []));
    const last = entries.at(-1)?.ms ?? 0;
    for (const entry of entries) {
      if (entry.kind !== 'healed') continue;
      const next = worked.find((ms) => ms > entry.ms) ?? last;
      if (next - entry.ms > resumeMs) found.push(`after ${entry.fault} was healed at ${Math.round(entry.ms / 1000)} s nothing was measured for more than ${Math.round(resumeMs / 1000)} s`); // the same words however long it lasts
    }
    const [stopping] = facts.filter(({ word }) => word === 'run.stopping');
    if (stopping?.word === 'run.stopping' && !facts.some((fact) => fact.seq < stopping.seq && fact.word === 'operator.acted' && fact.body.act === 'stop')) found.push(`the run ended by itself: ${stopping.body.reason}`);
    if (boxes !== null && !facts.some(({ word }) => word === 'run.stopped')) found.push('the run was told to stop and did not');
    return found;
  },
};
