export { startLineage, type LineageNeeds } from './effects.ts';
export { rowOf } from './decide.ts';
