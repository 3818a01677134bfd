export { Astray, startReplayer } from './effects.ts';
