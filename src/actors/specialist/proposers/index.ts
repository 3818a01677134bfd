import type { Proposer } from '../proposer.ts';
import type { ProposerOptions, ProposerPorts } from './options.ts';
import { randomProposer } from './random/index.ts';
import { searchProposer } from './search/index.ts';
import { tpeProposer } from './tpe/index.ts';

/** Everybody who can propose for a specialist without a model: a folder each, and a line here. */
const PROPOSERS = { search: searchProposer, random: randomProposer, tpe: tpeProposer } satisfies Record<string, (options: ProposerOptions, ports: ProposerPorts) => Proposer>;

export type ProposerKind = keyof typeof PROPOSERS;
export const PROPOSER_KINDS = Object.keys(PROPOSERS) as readonly ProposerKind[];

/** Opens the proposer of one specialist. */
export const openProposer = (kind: ProposerKind, options: ProposerOptions, ports: ProposerPorts): Proposer => PROPOSERS[kind](options, ports);
