import { expect } from 'vitest';
import { verifySignature } from '../../src/adapters/signature/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import type { Project } from '../support/program.ts';

/** Facts folded in order. */
export function fold(run: string, facts: readonly Fact[]): Lineage {
  const lineage = emptyLineage();
  for (const fact of facts) grow(lineage, fact, run, verifySignature);
  return lineage;
}

/** What must hold of every run that ended, whatever was done to it: read from its exported journal, and proved by the program itself. */
export async function expectWhole(project: Project, run: string): Promise<{ readonly facts: readonly Fact[]; readonly lineage: Lineage }> {
  const verified = await project.brigade(['verify', run, '--json']);
  expect(verified.err).toBe('');
  expect(verified.code).toBe(0);
  const facts = await project.exported(run);
  expect(verified.printed.at(-1)).toMatchObject({ run, facts: facts.length, wrong: 0, unproved: 0, odd: 0 });
  const lineage = fold(run, facts);

  const admitted = facts.flatMap((fact) => (fact.word === 'trial.admitted' ? [fact.ids[0]] : []));
  const ended = facts.flatMap((fact) => (fact.word === 'trial.result' ? [fact.ids[0]] : []));
  expect(ended.length, 'a result is said once').toBe(new Set(ended).size);
  if (lineage.stopMode === 'complete') expect([...ended].sort(), 'every admitted trial has its result').toEqual([...admitted].sort());

  const measured = facts.filter((fact) => fact.word === 'trial.measured');
  const counted = [...lineage.trials.values()].flatMap((row) => [...row.replicates.values()].filter((replicate) => replicate.measured).map((replicate) => `${row.trial}.${replicate.replicate}`));
  const faults = measured.filter(({ body }) => body.measurement.failure?.kind === 'harness_abort').length; // such a one ends its attempt and counts only when it was the last
  expect(counted.length + lineage.superseded, 'a measurement counts, is superseded, or is a fault of ours').toBeLessThanOrEqual(measured.length);
  expect(counted.length + lineage.superseded + faults, 'no measurement is unaccounted for').toBeGreaterThanOrEqual(measured.length);
  expect(counted.length).toBe(new Set(counted).size);
  expect(doubles(facts), 'a slot carries one lease, until that was measured or has lapsed').toEqual([]);
  return { facts, lineage };
}

/** Leases that were granted on a slot that carried another. */
function doubles(facts: readonly Fact[]): string[] {
  const held = new Map<string, string>();
  const found: string[] = [];
  for (const fact of facts) {
    if (fact.word === 'lease.granted') for (const slot of fact.body.slots.map((each) => `${fact.body.node}/${each}`)) {
      if (held.has(slot)) found.push(`${slot}: ${held.get(slot)} and ${fact.ids.join('.')}`);
      held.set(slot, fact.ids.join('.'));
    }
    if (fact.word === 'lease.lapsed' || fact.word === 'trial.measured') for (const [slot, lease] of held) if (lease === fact.ids.slice(0, 3).join('.')) held.delete(slot);
  }
  return found;
}
