import { join } from 'node:path';
import { openCopy } from '../adapters/lmdb/index.ts';
import type { Fact } from '../domain/fact.ts';
import { flawsOf, nameOf, type Flaw, type Stored } from '../domain/damage.ts';
import type { OpenRun } from './opening.ts';

/** What the keeper of a run that nobody runs has read and the journal has not, or has otherwise: a damaged one looks whole to whoever sees it alone. Empty where no copy lies here. */
export async function flawsByCopy({ bus, dir, facts }: Pick<OpenRun, 'bus' | 'dir' | 'facts'>): Promise<readonly Flaw[]> {
  const copy = bus === null ? await openCopy(join(dir, 'lineage.lmdb')) : 'its keeper compares them itself';
  if (typeof copy === 'string') return [];
  await using store = copy;
  const { applied } = store.position();
  const read = [...store.read(0, applied)];
  const known = new Set([...read, ...facts].map(({ seq }) => seq));
  const noFacts = Array.from({ length: applied }, (_, i) => i + 1).filter((seq) => !known.has(seq)).map((seq): Stored => ({ seq, at: 0, name: '', text: '', read: () => null }));
  return flawsOf(read, [...facts.map(storedOf), ...noFacts], { after: 0, upTo: applied });
}

const storedOf = (fact: Fact): Stored => ({ seq: fact.seq, at: fact.at, name: nameOf(fact), text: JSON.stringify(fact.body), read: () => fact });
