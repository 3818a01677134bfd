export { startSpecialist } from './effects.ts';
export type { Draft, Proposer, SpecialistView, Thought } from './proposer.ts';
export { openProposer, PROPOSER_KINDS, type ProposerKind } from './proposers/index.ts';
export type { ProposerOptions, ProposerPorts } from './proposers/options.ts';
export { searchProposer, type SearchOptions } from './proposers/search/index.ts';
export { repropose } from './proposers/search/repropose.ts';
export { readEdit, BadEdit, type Edit } from './proposers/moves/edit.ts';
export { build, type Built } from './proposers/moves/build.ts';
export { knobsOf, type Knob } from './proposers/moves/knob.ts';
export { composeProposer, type ComposeOptions } from './proposers/compose/index.ts';
export { mostTrials, type ComposeStrategy } from './proposers/compose/plan.ts';
/** Thinking with a model. It loads LangGraph, which nobody else needs: cold start is theirs. */
export const loadThinking = () => import('./session/index.ts');
