export { BadSurface } from './bad-surface.ts';
export { listSurfaces, loadSurface, type LoadedSurface } from './surface.ts';
export { listEvaluators, loadEvaluator, type LoadedEvaluator } from './evaluator.ts';
