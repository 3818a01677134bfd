import type { Host } from '../hosts.ts';
import type { Wire } from '../wire.ts';
import type { Ability, Fault, Scene } from './fault.ts';

// Partitions, and words that go one way only.

const onWire = (name: string, threatens: readonly string[], needs: readonly Ability[], holdMs: (scene: Scene) => number, act: (scene: Scene, wire: Wire) => Promise<string>): Fault => ({
  name, threatens, needs,
  async inject(scene) {
    const { wire } = scene.lab;
    if (wire === null) throw new Error('these hosts have no network of their own');
    const heal = (): Promise<void> => wire.mend();
    try {
      return { did: await act(scene, wire), holdMs: holdMs(scene), heal };
    } catch (error) {
      await heal();
      throw error;
    }
  },
});

const names = (hosts: readonly Host[]): string => hosts.map(({ name }) => name).join(', ');

export const partitions: readonly Fault[] = [
  onWire('cut-node', ['I2', 'I3'], ['network'], ({ ttlMs }) => ttlMs * 3, async ({ lab, dice }, wire) => {
    const { host } = dice.pick(lab.nodes);
    await wire.pull([host]);
    return `${host.name} hears nobody`;
  }),
  onWire('cut-leader', ['I1', 'I7'], ['network'], () => 15_000, async ({ cluster }, wire) => {
    const { host } = await cluster.leader();
    await wire.pull([host]);
    return `${host.name}, which leads the journal, hears nobody`;
  }),
  onWire('cut-majority', ['I1', 'I7', 'I9'], ['network'], () => 12_000, async ({ lab, dice }, wire) => {
    const hosts = dice.shuffle(lab.servers).slice(0, 2).map(({ host }) => host);
    await wire.pull(hosts);
    return `${names(hosts)} hear nobody: no two servers agree on anything`;
  }),
  onWire('cut-minority', ['I1', 'I2', 'I3'], ['network'], ({ ttlMs }) => ttlMs * 2.5, async ({ lab, dice }, wire) => {
    const hosts = [dice.pick(lab.servers).host, dice.pick(lab.nodes).host, dice.pick(lab.specialists).host, dice.pick(lab.brokers).host];
    await wire.cut(hosts);
    return `${names(hosts)} hear one another alone`;
  }),
  onWire('mute-node', ['I2', 'I3'], ['network'], ({ ttlMs }) => ttlMs * 3, async ({ lab, dice }, wire) => {
    const { host } = dice.pick(lab.nodes);
    await wire.mute(host, lab.servers.map((server) => server.host));
    return `what ${host.name} says is lost, what it is told is not`;
  }),
  onWire('mute-leader', ['I1', 'I7'], ['network'], () => 15_000, async ({ lab, cluster }, wire) => {
    const leader = await cluster.leader();
    await wire.mute(leader.host, lab.servers.filter((server) => server !== leader).map(({ host }) => host));
    return `what ${leader.name} says to the other servers is lost, what they say is not`;
  }),
  onWire('narrow', ['I1', 'I9'], ['network', 'bandwidth'], () => 15_000, async ({ lab, cluster, dice }, wire) => {
    const hosts = [(await cluster.leader()).host, dice.pick(lab.nodes).host];
    for (const host of hosts) await wire.narrow(host, 1_000);
    return `${names(hosts)} say 1 Mbit a second`;
  }),
];
