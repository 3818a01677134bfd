export { startBroker } from './effects.ts';
export type { CalibrationKey } from './calibration.ts';
export { openPool, type Pool } from './pool.ts';
export type { Admit } from './judge.ts';
