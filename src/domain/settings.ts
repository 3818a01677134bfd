import type { RunStarted } from './fact.ts';

/** How a run was set up, one fact a string, in the order of the flags that do it; a roster, a composer or an arm only where it is not the usual one. */
export const settingsOf = ({ surface, rosterName, proposer, seed, compose, replays, keep, arm }: RunStarted): readonly string[] => [
  `surface ${surface}`,
  ...(rosterName === undefined ? [] : [`roster ${rosterName}`]),
  `proposer ${proposer}, seed ${seed}`,
  ...(replays === undefined ? [] : [`replays ${replays}`]),
  ...(compose === undefined ? [] : [`compose ${compose}`]),
  keep.kind === 'confirmed' ? `keep confirmed (p < ${keep.alpha})` : 'keep strict',
  ...(arm.kind === 'specialists' && arm.lineage ? [] : [`arm ${arm.kind}${arm.lineage ? '' : ', no lineage'}`]),
];
