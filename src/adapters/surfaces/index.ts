export { BadSurface } from './document.ts';
export { filesBelow, hashOf } from './folder.ts';
export { loadEvaluator, type LoadedEvaluator } from './evaluator.ts';
export { listSurfaces, loadSurface, UnknownSurface, type LoadedSurface } from './surface.ts';
