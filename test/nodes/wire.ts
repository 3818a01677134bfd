import { output, type Host } from './hosts.ts';

// The switch that the hosts hang on, in the namespace that all of them are in.
//
//   W1. A cable is pulled without anybody being told: a port of another bridge carries no signal that the line is dead.
//   W2. Whatever was pulled, narrowed or silenced can be put back by one call, however often.

const BRIDGE = 'br-nodes';
const OTHER = 'br-other';
const NETWORK = '10.77.0';

/** The address of the n-th host; we ourselves are the first. */
export const addressOf = (n: number): string => `${NETWORK}.${n}`;

export interface Wire {
  /** Connects a host. */
  plug(host: Host): Promise<void>;
  /** Puts these hosts behind a switch of their own: they hear one another and nobody else. */
  cut(hosts: readonly Host[]): Promise<void>;
  /** Pulls the cable of each: they hear nobody. */
  pull(hosts: readonly Host[]): Promise<void>;
  /** What `from` says to these never arrives; what they say does. */
  mute(from: Host, to: readonly Host[]): Promise<void>;
  /** Narrows what a host can say to so many kilobits a second. */
  narrow(host: Host, kilobits: number): Promise<void>;
  /** Whether a connection from one host to the server of another can be opened within two seconds. */
  reaches(from: Host, to: Host): Promise<boolean>;
  /** Whether a host was narrowed, and has said something since. */
  isNarrow(host: Host): Promise<boolean>;
  /** Everything as it was (W2). */
  mend(): Promise<void>;
}

const port = (host: Host): string => `v-${host.name}`.slice(0, 15);

/** Lays the switch; servers listen on the one port. */
export async function layWire(serverPort: number): Promise<Wire> {
  for (const bridge of [BRIDGE, OTHER]) await output(['ip', 'link', 'add', bridge, 'type', 'bridge']).then(() => output(['ip', 'link', 'set', bridge, 'up']));
  await output(['ip', 'addr', 'add', `${addressOf(1)}/24`, 'dev', BRIDGE]);
  await output(['ip', 'link', 'set', 'lo', 'up']);
  const mends: (() => Promise<unknown>)[] = [];
  return {
    async plug(host) {
      await output(['ip', 'link', 'add', port(host), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(host.init)]);
      await output(['ip', 'link', 'set', port(host), 'master', BRIDGE, 'up']);
      await host.shell(`ip addr add ${host.address}/24 dev eth0; ip link set eth0 up`);
    },
    async cut(hosts) {
      for (const host of hosts) {
        mends.push(() => output(['ip', 'link', 'set', port(host), 'master', BRIDGE]));
        await output(['ip', 'link', 'set', port(host), 'master', OTHER]);
      }
    },
    async pull(hosts) {
      for (const host of hosts) {
        mends.push(() => output(['ip', 'link', 'set', port(host), 'master', BRIDGE]));
        await output(['ip', 'link', 'set', port(host), 'nomaster']);
      }
    },
    async mute(from, to) {
      for (const { address } of to) {
        await from.shell(`ip route add blackhole ${address}/32`);
        mends.push(() => from.shell(`ip route del blackhole ${address}/32`));
      }
    },
    async narrow(host, kilobits) {
      await host.shell(`tc qdisc add dev eth0 root tbf rate ${kilobits}kbit burst 16k latency 400ms`);
      mends.push(() => host.shell('tc qdisc del dev eth0 root'));
    },
    reaches: (from, to) => from.shell(`timeout 2 bash -c ': > /dev/tcp/${to.address}/${serverPort}' 2>/dev/null`).then(() => true, () => false),
    isNarrow: async (host) => /\btbf\b[\s\S]*?Sent [1-9]/.test(await host.shell('tc -s qdisc show dev eth0')),
    async mend() {
      const failed: unknown[] = [];
      for (const back of mends.splice(0)) await back().catch((error: unknown) => failed.push(error));
      if (failed.length > 0) throw new AggregateError(failed, `the network is not as it was: ${String(failed[0])}`);
    },
  };
}
