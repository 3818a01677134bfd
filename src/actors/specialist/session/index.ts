export { openBursar, type Budget } from './bursar.ts';
export { openErrands } from './errands.ts';
export { llmProposer, type Thinker, type ThinkerPorts } from './proposer.ts';
export { again } from './retry.ts';
export type { SessionStore } from './store.ts';
