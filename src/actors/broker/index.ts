export { startBroker } from './effects.ts';
export type { CalibrationKey } from './office.ts';
export type { Admit } from './judge.ts';
