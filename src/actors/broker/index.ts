export { startBroker, type CalibrationKey } from './effects.ts';
export { readRecipe, type Admit } from './desk.ts';
