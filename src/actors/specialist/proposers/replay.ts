import type { Proposer } from '../proposer.ts';
import type { Draft } from '../proposer.ts';

/** Proposes what was recorded, in order; a proposal the lineage already holds is passed over, so that a restart goes on where it was. */
export function replayProposer(recorded: readonly Draft[]): Proposer {
  return {
    async propose(view) {
      const told = new Set(view.rows.map((row) => `${row.parent}\n${row.hypothesis}\n${[...row.moves].sort().join('\n')}`));
      const known = new Set(view.rows.map((row) => row.trial));
      const next = recorded.find((draft) => !told.has(`${draft.parent}\n${draft.hypothesis}\n${[...draft.proposer.moves].sort().join('\n')}`));
      if (next === undefined) return { kind: 'nothing', reason: `all ${recorded.length} recorded proposals were made` };
      if (!known.has(next.parent)) return { kind: 'nothing', reason: `the recording goes on from ${next.parent}, which is not there yet` };
      return { kind: 'proposal', draft: { ...next, proposer: { ...next.proposer, kind: 'replay' } } };
    },
  };
}
