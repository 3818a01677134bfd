export { beginRun, superviseRun, type Ended } from './effects.ts';
export { NEVER_AGAIN, restart } from './decide.ts';
export { startWard, type Daemon, type Ward } from './ward.ts';
