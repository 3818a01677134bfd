import type { Daemon } from '../daemons.ts';
import { inOffice } from '../office.ts';
import type { Fault, Scene } from './fault.ts';

// SIGSTOP, and SIGCONT after a while: a process that believes that no time has passed.

const pause = (name: string, threatens: readonly string[], holdMs: (scene: Scene) => number, whom: (scene: Scene) => Promise<Daemon> | Daemon): Fault => ({
  name, threatens, needs: [],
  async inject(scene) {
    const daemon = await whom(scene);
    const pid = daemon.pid();
    daemon.signal('SIGSTOP');
    return {
      did: `SIGSTOP ${daemon.name} for ${Math.round(holdMs(scene) / 1000)} s`, holdMs: holdMs(scene),
      async heal() { if (daemon.pid() === pid) daemon.signal('SIGCONT'); },
    };
  },
});

export const pauses: readonly Fault[] = [
  pause('pause-node', ['I2', 'I3'], ({ ttlMs }) => ttlMs * 3, ({ lab, dice }) => dice.pick(lab.nodes)),
  pause('pause-broker', ['I2', 'I9'], () => 20_000, ({ lab }) => inOffice(lab)),
  pause('pause-keeper', ['I5'], () => 10_000, ({ lab }) => lab.keeper),
  pause('pause-leader', ['I1', 'I2'], () => 8_000, ({ cluster }) => cluster.leader()),
];
