import type { RunId } from '../../domain/ids.ts';
import type { Clock, Ports } from '../../ports.ts';
import { memoryBlobs } from './blobs.ts';
import { memoryBus } from './bus.ts';
import { memoryJournal, type MemoryJournal } from './journal.ts';
import { memoryPresence, type Logged } from './presence.ts';

export { memoryBlobs } from './blobs.ts';
export { memoryBus } from './bus.ts';
export { virtualClock, type VirtualClock } from './clock.ts';
export { memoryJournal } from './journal.ts';
export { memoryPresence } from './presence.ts';

/** Every port of one run in this process: a whole run can be simulated on it. */
export function memoryPorts(run: RunId, clock: Clock): Ports & { readonly journal: MemoryJournal; readonly presence: { readonly logged: Logged[] } } {
  const bus = memoryBus(clock);
  return { journal: memoryJournal(run, () => clock.now()), bus, blobs: memoryBlobs(), clock, presence: memoryPresence(bus, clock) };
}
