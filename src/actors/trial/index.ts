export { weigh, weighClaim } from './decide.ts';
export { openTrial } from './effects.ts';
