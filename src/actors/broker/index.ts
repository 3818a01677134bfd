export { startBroker, type CalibrationKey } from './effects.ts';
export type { Admit } from './judge.ts';
