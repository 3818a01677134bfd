import type { Arm, RunStarted } from './fact.ts';

/** How a run was set up, one fact a string, in the order of the flags that do it; a roster, a composer or an arm only where it is not the usual one. */
export const settingsOf = ({ surface, rosterName, proposer, seed, compose, replays, keep, arm, priority, wholeNode }: RunStarted): readonly string[] => [
  `surface ${surface}`,
  ...(rosterName === undefined ? [] : [`roster ${rosterName}`]),
  `proposer ${proposer}, seed ${seed}`,
  ...(replays === undefined ? [] : [`replays ${replays}`]),
  ...(compose === undefined ? [] : [`compose ${compose}`]),
  keep.kind === 'confirmed' ? `keep confirmed (p < ${keep.alpha})` : 'keep strict',
  ...armOf(arm),
  ...(priority === undefined ? [] : [`priority ${priority}`]),
  ...(wholeNode === true ? ['whole nodes'] : []),
];

function armOf({ kind, agents, ownership, lineage }: Arm): string[] {
  const named = kind === 'generic' ? `generic-${agents}` : kind;
  const unusual = [...(ownership === (kind === 'specialists' ? 'enforced' : 'advisory') ? [] : [`ownership ${ownership}`]), ...(lineage ? [] : ['no lineage'])];
  return kind === 'specialists' && unusual.length === 0 ? [] : [[`arm ${named}`, ...unusual].join(', ')];
}
