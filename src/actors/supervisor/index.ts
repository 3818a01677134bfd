export { beginRun, superviseRun, type Ended, type SupervisorOptions } from './effects.ts';
export { restart, type Restart } from './decide.ts';
