import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from '../daemons.ts';
import type { Host } from '../hosts.ts';
import { inOffice } from '../office.ts';
import { atWork } from '../work.ts';
import type { Fault, Scene } from './fault.ts';

// A wall clock that jumps under one daemon while it works, and later back. Nodes and brokers are started with a module that moves their Date (skew.ts).

const SEEN_MS = 15_000;

const fileOf = (host: Host): string => join(host.folder, 'clock');

/** What a daemon is started with, so that its clock can be moved. */
export const movable = (host: Host): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${pathToFileURL(join(import.meta.dirname, '..', 'skew.js')).href}`.trim(), LAB_CLOCK: fileOf(host),
});

/** Waits until a daemon goes by a clock that is so many seconds wrong; answers whether it does. */
async function goesBy({ host }: Daemon, seconds: number): Promise<boolean> {
  for (const until = performance.now() + SEEN_MS; performance.now() < until; await sleep(100)) if (await readFile(`${fileOf(host)}.seen`, 'utf8').catch(() => '') === String(seconds)) return true;
  return false;
}

const jump = (name: string, hours: number, whom: (scene: Scene) => Promise<Daemon> | Daemon): Fault => ({
  name, needs: [], threatens: ['I2', 'I3'],
  async inject(scene) {
    const daemon = await whom(scene);
    await daemon.up();
    await writeFile(fileOf(daemon.host), String(hours * 3600));
    return {
      did: `the clock of ${daemon.name} jumps ${Math.abs(hours)} h ${hours > 0 ? 'ahead' : 'back'}, and back again`, holdMs: 15_000,
      missed: async () => (await goesBy(daemon, hours * 3600) ? null : `${daemon.name} did not see its clock jump`),
      async heal() {
        await writeFile(fileOf(daemon.host), '0');
        if (!await goesBy(daemon, 0)) throw new Error(`the clock of ${daemon.name} does not come back`);
      },
    };
  },
});

export const clocks: readonly Fault[] = [
  jump('clock-node', 2, (scene) => atWork(scene)),
  jump('clock-broker', -2, ({ lab }) => inOffice(lab)),
];
