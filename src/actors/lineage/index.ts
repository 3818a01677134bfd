export { startLineage } from './effects.ts';
export { rowOf } from './decide.ts';
