import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeFile } from 'node:fs/promises';
import { inOffice } from '../office.ts';
import type { Daemon } from '../daemons.ts';
import type { Fault, Scene } from './fault.ts';

// A wall clock that jumps under one daemon: by libfaketime where it is installed, else by a module that is loaded before the daemon and moves Date.

const FAKETIME = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1', '/usr/lib/faketime/libfaketime.so.1'].find((file) => existsSync(file)) ?? null;

/** How clocks are moved on this machine. */
export const clockBy = FAKETIME === null ? 'an offset of Date in the daemon (libfaketime is not installed)' : 'libfaketime';

const variables = (file: string): Record<string, string> => (FAKETIME === null
  ? { NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, '..', 'skew.js')).href}`, LAB_CLOCK: file }
  : { LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1' });

const jump = (name: string, hours: number, whom: (scene: Scene) => Promise<Daemon> | Daemon): Fault => ({
  name, needs: [], threatens: ['I2', 'I3'],
  async inject(scene) {
    const daemon = await whom(scene);
    const file = join(daemon.host.folder, 'clock');
    const set = (seconds: number): Promise<void> => writeFile(file, `${seconds >= 0 ? '+' : '-'}${Math.abs(seconds)}\n`);
    await set(0);
    daemon.furnishWith(variables(file));
    daemon.signal('SIGKILL'); // from its next start on its clock can be moved
    await new Promise((resolve) => { setTimeout(resolve, 6_000); });
    await set(hours * 3600);
    return {
      did: `the clock of ${daemon.name} jumps ${Math.abs(hours)} h ${hours > 0 ? 'ahead' : 'back'}, and back again`, holdMs: 15_000,
      async heal() { await set(0); daemon.furnishWith({}); },
    };
  },
});

export const clocks: readonly Fault[] = [
  jump('clock-node', 2, ({ lab, dice }) => dice.pick(lab.nodes)),
  jump('clock-broker', -2, ({ lab }) => inOffice(lab)),
];
