import { caches } from './cache.ts';
import { clocks } from './clock.ts';
import { disks } from './disk.ts';
import type { Fault } from './fault.ts';
import { kills } from './kill.ts';
import { messages } from './messages.ts';
import { partitions } from './network.ts';
import { pauses } from './pause.ts';

export { movable } from './clock.ts';
export type { Ability, Fault, Injected, Scene } from './fault.ts';

/** Every fault there is, by family. */
export const FAULTS: readonly Fault[] = [...kills, ...pauses, ...partitions, ...messages, ...disks, ...caches, ...clocks];
