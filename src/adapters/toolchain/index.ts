export type { Check } from './check.ts';
export { diagnose } from './diagnose.ts';
export { findToolchain, projectRoot, SetupNeeded, type Toolchain } from './toolchain.ts';
