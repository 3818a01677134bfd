import type { Daemon } from '../daemons.ts';
import { inOffice, successor } from '../office.ts';
import { atWork } from '../work.ts';
import type { Fault, Injected, Scene } from './fault.ts';

// kill -9. Whoever was killed is started again by its host's service manager, unless it is held down for a while.

const SHORT_MS = 2_000;
const DEAD_MS = 10_000;

interface Kill {
  readonly threatens: readonly string[];
  whom(scene: Scene): Promise<readonly Daemon[]> | readonly Daemon[];
  /** How long they are held down; started again at once where it is left out. */
  downMs?(scene: Scene): number;
  /** What else must come of it while they are down. */
  follows?(scene: Scene, from: number): Promise<string | null>;
}

/** Kills these, all at once; they are held down for a while where one is given. */
export async function killed(these: readonly Daemon[], downMs: number | null): Promise<Injected> {
  const pids = await Promise.all(these.map(async (daemon) => [daemon, await daemon.up()] as const));
  for (const daemon of these) {
    if (downMs !== null) daemon.hold();
    daemon.signal('SIGKILL');
  }
  return {
    did: `kill -9 ${these.map((daemon) => daemon.name).join(', ')}${downMs === null ? '' : `, back after ${Math.round(downMs / 1000)} s`}`, holdMs: downMs ?? SHORT_MS,
    async missed() {
      for (const [daemon, pid] of pids) if (!await daemon.gone(pid, DEAD_MS).then(() => true, () => false)) return `${daemon.name} outlived its kill -9`;
      return null;
    },
    async heal() {
      for (const daemon of these) daemon.letGo();
      await Promise.all(these.map((daemon) => daemon.up()));
    },
  };
}

const kill = (name: string, { threatens, whom, downMs, follows }: Kill): Fault => ({
  name, threatens, needs: [],
  async inject(scene) {
    const these = await whom(scene);
    const from = scene.lab.history.now();
    const injected = await killed(these, downMs?.(scene) ?? null);
    return { ...injected, missed: async () => await injected.missed() ?? await follows?.(scene, from) ?? null };
  },
});

export const kills: readonly Fault[] = [
  kill('kill-broker', { threatens: ['I2', 'I9'], downMs: () => 15_000, whom: async ({ lab }) => [await inOffice(lab)], follows: successor }),
  kill('kill-keeper', { threatens: ['I5'], whom: ({ lab }) => [lab.keeper] }),
  kill('kill-node', { threatens: ['I3', 'I4'], whom: async (scene) => [await atWork(scene)] }),
  kill('lose-node', { threatens: ['I2', 'I3'], downMs: ({ ttlMs }) => ttlMs * 2, whom: async (scene) => [await atWork(scene)] }),
  kill('kill-specialist', { threatens: ['I2'], whom: ({ lab, dice }) => [dice.pick(lab.specialists)] }),
  kill('kill-leader', { threatens: ['I1', 'I7'], downMs: () => 10_000, whom: async ({ cluster }) => [await cluster.leader()] }),
  kill('kill-follower', {
    threatens: ['I1', 'I7'], downMs: () => 10_000,
    async whom({ lab, cluster, dice }) { const leader = await cluster.leader(); return [dice.pick(lab.servers.filter((server) => server !== leader))]; },
  }),
  kill('kill-servers', { threatens: ['I1', 'I7'], downMs: () => 5_000, whom: ({ lab }) => lab.servers }),
  kill('kill-all', { threatens: ['I1', 'I2', 'I3'], whom: ({ lab }) => [...lab.brokers, lab.keeper, ...lab.nodes, ...lab.specialists] }),
];
