export { BadSurface } from './bad-surface.ts';
export { describeSurface, listSurfaces, loadSurface, SurfaceNotSetUp, type LoadedSurface, type OutlinedSurface } from './surface.ts';
export { setUpSurface } from './setup.ts';
export { listEvaluators, loadEvaluator, type LoadedEvaluator } from './evaluator.ts';
export { readDescribed, type Described } from './document.ts';
export * as field from './field.ts';
