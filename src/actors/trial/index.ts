export { expectedSearchScore, runSd, weigh, weighClaim } from './decide.ts';
export { openTrial, type OpenTrial } from './effects.ts';
