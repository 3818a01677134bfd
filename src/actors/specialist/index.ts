export { startSpecialist, type SpecialistOptions, type SpecialistPorts } from './effects.ts';
export type { Draft, Proposer, SpecialistView, Thought } from './proposer.ts';
export { searchProposer, type SearchOptions } from './proposers/search/index.ts';
export { repropose } from './proposers/search/repropose.ts';
export { readEdit, BadEdit, type Edit } from './proposers/moves/edit.ts';
export { build, type Built } from './proposers/moves/build.ts';
export { knobsOf, type Knob } from './proposers/moves/knob.ts';
export { replayProposer } from './proposers/replay.ts';
