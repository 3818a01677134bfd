import type { Fact } from '../../domain/fact.ts';
import type { FactStore } from '../../ports.ts';
import { CHAIN_START, chained, rowText } from './chain.ts';

/** The same promises in memory, for where nothing can be written. */
export function volatileStore(notice: string | null): FactStore {
  let facts: Fact[] = [];
  let at = { applied: 0, chain: CHAIN_START };
  return {
    notice,
    position: () => at,
    apply(batch) {
      let { applied, chain } = at;
      const added = batch.filter((fact) => {
        if (fact.seq <= applied) return false;
        chain = chained(chain, fact.seq, rowText(fact));
        applied = fact.seq;
        return true;
      });
      for (const fact of added) facts.push(fact);
      at = { applied, chain };
    },
    *read(after, upTo) { for (const fact of facts) if (fact.seq > after && fact.seq <= upTo) yield fact; },
    isSound: () => facts.reduce((chain, fact) => chained(chain, fact.seq, rowText(fact)), CHAIN_START) === at.chain,
    clear() { facts = []; at = { applied: 0, chain: CHAIN_START }; },
    async [Symbol.asyncDispose]() {},
  };
}
