import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from '../daemons.ts';
import { inOffice, successor } from '../office.ts';
import { atWork } from '../work.ts';
import type { Fault, Injected, Scene } from './fault.ts';

// SIGSTOP, and SIGCONT after a while: a process that believes that no time has passed.

const WAKE_MS = 10_000;

const isStopped = (pid: number): Promise<boolean> => readFile(`/proc/${pid}/status`, 'utf8').then((status) => /^State:\s+[Tt]/m.test(status), () => false);

/** Stops a daemon for a while. */
export async function stopped(daemon: Daemon, holdMs: number): Promise<Injected> {
  const pid = await daemon.up();
  daemon.signal('SIGSTOP');
  return {
    did: `SIGSTOP ${daemon.name} for ${Math.round(holdMs / 1000)} s`, holdMs,
    missed: async () => (daemon.pid() === pid && await isStopped(pid) ? null : `${daemon.name} did not stay stopped`),
    async heal() {
      for (const until = performance.now() + WAKE_MS; daemon.pid() === pid; await sleep(100)) {
        daemon.signal('SIGCONT');
        if (!await isStopped(pid)) return;
        if (performance.now() > until) throw new Error(`${daemon.name} stays stopped after SIGCONT`);
      }
    },
  };
}

const pause = (name: string, threatens: readonly string[], holdMs: (scene: Scene) => number, whom: (scene: Scene) => Promise<Daemon> | Daemon, follows?: (scene: Scene, from: number) => Promise<string | null>): Fault => ({
  name, threatens, needs: [],
  async inject(scene) {
    const daemon = await whom(scene);
    const from = scene.lab.history.now();
    const injected = await stopped(daemon, holdMs(scene));
    return { ...injected, missed: async () => await injected.missed() ?? await follows?.(scene, from) ?? null };
  },
});

export const pauses: readonly Fault[] = [
  pause('pause-node', ['I2', 'I3'], ({ ttlMs }) => ttlMs * 3, (scene) => atWork(scene)),
  pause('pause-broker', ['I2', 'I9'], () => 20_000, ({ lab }) => inOffice(lab), successor),
  pause('pause-keeper', ['I5'], () => 10_000, ({ lab }) => lab.keeper),
  pause('pause-leader', ['I1', 'I2'], () => 8_000, ({ cluster }) => cluster.leader()),
];
