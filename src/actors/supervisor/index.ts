export { beginRun, superviseRun, type Ended, type SupervisorOptions } from './effects.ts';
export { NEVER_AGAIN, restart, type Restart } from './decide.ts';
