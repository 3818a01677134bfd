export { startBroker, type BrokerNeeds, type BrokerOptions, type CalibrationKey, type Calibrations } from './effects.ts';
export { readRecipe, type Admit } from './desk.ts';
export { lineageAt } from './keeper.ts';
export { spentBy, stageOf } from './decide.ts';
