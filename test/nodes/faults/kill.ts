import type { Daemon } from '../daemons.ts';
import { inOffice } from '../office.ts';
import { nothing, type Fault, type Scene } from './fault.ts';

// kill -9. Whoever was killed is started again by its host's service manager, unless it is held down for a while.

const SHORT_MS = 2_000;

const kill = (name: string, threatens: readonly string[], whom: (scene: Scene) => Promise<readonly Daemon[]> | readonly Daemon[]): Fault => ({
  name, threatens, needs: [],
  async inject(scene) {
    const these = await whom(scene);
    for (const daemon of these) daemon.signal('SIGKILL');
    return { did: `kill -9 ${these.map((daemon) => daemon.name).join(', ')}`, holdMs: SHORT_MS, heal: nothing };
  },
});

/** Killed and held down meanwhile. */
const down = (name: string, threatens: readonly string[], holdMs: (scene: Scene) => number, whom: (scene: Scene) => Promise<readonly Daemon[]> | readonly Daemon[]): Fault => ({
  name, threatens, needs: [],
  async inject(scene) {
    const these = await whom(scene);
    for (const daemon of these) { daemon.hold(); daemon.signal('SIGKILL'); }
    return { did: `kill -9 ${these.map((daemon) => daemon.name).join(', ')}, back after ${Math.round(holdMs(scene) / 1000)} s`, holdMs: holdMs(scene), async heal() { for (const daemon of these) daemon.letGo(); } };
  },
});

export const kills: readonly Fault[] = [
  down('kill-broker', ['I2', 'I9'], () => 15_000, async ({ lab }) => [await inOffice(lab)]), // the standby has to take over meanwhile
  kill('kill-keeper', ['I5'], ({ lab }) => [lab.keeper]),
  kill('kill-node', ['I3', 'I4'], ({ lab, dice }) => [dice.pick(lab.nodes)]),
  down('lose-node', ['I2', 'I3'], ({ ttlMs }) => ttlMs * 2, ({ lab, dice }) => [dice.pick(lab.nodes)]),
  kill('kill-specialist', ['I2'], ({ lab, dice }) => [dice.pick(lab.specialists)]),
  down('kill-leader', ['I1', 'I7'], () => 10_000, async ({ cluster }) => [await cluster.leader()]),
  down('kill-follower', ['I1', 'I7'], () => 10_000, async ({ lab, cluster, dice }) => { const leader = await cluster.leader(); return [dice.pick(lab.servers.filter((server) => server !== leader))]; }),
  down('kill-servers', ['I1', 'I7'], () => 5_000, ({ lab }) => lab.servers),
  kill('kill-all', ['I1', 'I2', 'I3'], ({ lab }) => [...lab.brokers, lab.keeper, ...lab.nodes, ...lab.specialists]),
];
