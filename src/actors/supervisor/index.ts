export { beginRun, superviseRun, type Ended, type SupervisorOptions } from './effects.ts';
