import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../hosts.ts';
import type { Wire } from '../wire.ts';
import { atWork } from '../work.ts';
import type { Ability, Fault, Scene } from './fault.ts';

// Partitions, and words that go one way only.

/** A switch learns its neighbours anew. */
const BACK_MS = 30_000;

/** What was done: whom it keeps apart, or another way to see it. */
interface Act { readonly did: string; readonly apart: readonly (readonly [from: Host, to: Host])[]; readonly missed?: () => Promise<string | null> }

const onWire = (name: string, threatens: readonly string[], needs: readonly Ability[], holdMs: (scene: Scene) => number, act: (scene: Scene, wire: Wire) => Promise<Act>): Fault => ({
  name, threatens, needs,
  async inject(scene) {
    const { wire } = scene.lab;
    if (wire === null) throw new Error('these hosts have no network of their own');
    try {
      const { did, apart, missed } = await act(scene, wire);
      return {
        did, holdMs: holdMs(scene),
        async missed() {
          for (const [from, to] of apart) if (await wire.reaches(from, to)) return `${from.name} still reaches ${to.name}`;
          return await missed?.() ?? null;
        },
        async heal() {
          await wire.mend();
          for (const [from, to] of apart) await reachesAgain(wire, from, to);
        },
      };
    } catch (error) {
      await wire.mend(); // F1
      throw error;
    }
  },
});

async function reachesAgain(wire: Wire, from: Host, to: Host): Promise<void> {
  for (const until = performance.now() + BACK_MS; !await wire.reaches(from, to); await sleep(250)) if (performance.now() > until) throw new Error(`${from.name} does not reach ${to.name} again, ${BACK_MS / 1000} s after`);
}

const names = (hosts: readonly Host[]): string => hosts.map(({ name }) => name).join(', ');
/** Each of these, and one who is none of them. */
const against = (hosts: readonly Host[], others: readonly Host[]): (readonly [Host, Host])[] => {
  const other = others.find((each) => !hosts.includes(each));
  return other === undefined ? [] : hosts.map((host) => [host, other] as const);
};
const serversOf = ({ lab }: Scene): Host[] => lab.servers.map(({ host }) => host);

export const partitions: readonly Fault[] = [
  onWire('cut-node', ['I2', 'I3'], ['network'], ({ ttlMs }) => ttlMs * 3, async (scene, wire) => {
    const { host } = await atWork(scene);
    await wire.pull([host]);
    return { did: `${host.name} hears nobody`, apart: against([host], serversOf(scene)) };
  }),
  onWire('cut-leader', ['I1', 'I7'], ['network'], () => 15_000, async (scene, wire) => {
    const { host } = await scene.cluster.leader();
    await wire.pull([host]);
    return { did: `${host.name}, which leads the journal, hears nobody`, apart: against([host], serversOf(scene)) };
  }),
  onWire('cut-majority', ['I1', 'I7', 'I9'], ['network'], () => 12_000, async (scene, wire) => {
    const hosts = scene.dice.shuffle(scene.lab.servers).slice(0, 2).map(({ host }) => host);
    await wire.pull(hosts);
    return { did: `${names(hosts)} hear nobody: no two servers agree on anything`, apart: against(hosts, serversOf(scene)) };
  }),
  onWire('cut-minority', ['I1', 'I2', 'I3'], ['network'], ({ ttlMs }) => ttlMs * 2.5, async (scene, wire) => {
    const { lab, dice } = scene;
    const hosts = [dice.pick(lab.servers).host, (await atWork(scene)).host, dice.pick(lab.specialists).host, dice.pick(lab.brokers).host];
    await wire.cut(hosts);
    return { did: `${names(hosts)} hear one another alone`, apart: against(hosts, serversOf(scene)) };
  }),
  onWire('mute-node', ['I2', 'I3'], ['network'], ({ ttlMs }) => ttlMs * 3, async (scene, wire) => {
    const { host } = await atWork(scene);
    await wire.mute(host, serversOf(scene));
    return { did: `what ${host.name} says is lost, what it is told is not`, apart: against([host], serversOf(scene)) };
  }),
  onWire('mute-leader', ['I1', 'I7'], ['network'], () => 15_000, async (scene, wire) => {
    const leader = await scene.cluster.leader();
    await wire.mute(leader.host, serversOf(scene).filter((host) => host !== leader.host));
    return { did: `what ${leader.name} says to the other servers is lost, what they say is not`, apart: against([leader.host], serversOf(scene)) };
  }),
  onWire('narrow', ['I1', 'I9'], ['network', 'bandwidth'], () => 15_000, async (scene, wire) => {
    const hosts = [(await scene.cluster.leader()).host, (await atWork(scene)).host];
    for (const host of hosts) await wire.narrow(host, 1_000);
    return {
      did: `${names(hosts)} say 1 Mbit a second`, apart: [],
      async missed() {
        for (const host of hosts) if (!await wire.isNarrow(host)) return `nothing that ${host.name} said went by the narrow way`;
        return null;
      },
    };
  }),
];
