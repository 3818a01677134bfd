import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../hosts.ts';
import { atWork } from '../work.ts';
import type { Fault } from './fault.ts';

// A disk that is full. The second server and the second node have small disks of their own.

const AGAIN_MS = 1_000;
/** What is left where nothing more can be written. */
const NOTHING_KB = 64;

interface Full { /** Room that is left even when it is filled once more. */ roomKb(): Promise<number>; empty(): Promise<void> }

/** Fills what is left of the disk a folder lies on, and what others make free of it. */
async function keepFull(host: Host, folder: string): Promise<Full> {
  const stop = new AbortController();
  const into = (name: string, block: string): string => `dd if=/dev/zero of='${folder}/${name}' bs=${block} oflag=append conv=notrunc 2>/dev/null || true`;
  const fill = (): Promise<string> => host.shell(`${into('filler', '64k')}; ${into('filler2', '512')}`);
  const empty = (): Promise<string> => host.shell(`rm -f '${folder}/filler' '${folder}/filler2'`);
  await fill().catch(async (error: unknown) => { await empty(); throw error; });
  const filling = (async () => {
    while (!stop.signal.aborted) {
      await sleep(AGAIN_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      if (!stop.signal.aborted) await fill().catch(() => undefined); // how much room there is says whether it can
    }
  })();
  return {
    async roomKb() {
      await fill();
      return Number((await host.shell(`df -k --output=avail '${folder}'`)).trim().split('\n').at(-1));
    },
    async empty() {
      stop.abort();
      await filling;
      await empty();
    },
  };
}

const missed = async (what: string, disk: Full): Promise<string | null> => {
  const room = await disk.roomKb();
  return room <= NOTHING_KB ? null : `the disk of ${what} has room for ${room} kB`;
};

export const disks: readonly Fault[] = [
  {
    name: 'full-server', needs: ['mounts'], threatens: ['I1', 'I7'],
    async inject({ lab }) {
      const server = lab.servers[1];
      if (server === undefined) throw new Error('there is no second server');
      await server.up();
      const disk = await keepFull(server.host, join(lab.folder, 'store', 'n2'));
      return {
        did: `the disk of ${server.name} is full; when there is room again it is started anew`, holdMs: 20_000,
        missed: () => missed(server.name, disk),
        async heal() {
          await disk.empty();
          const pid = await server.up();
          server.signal('SIGTERM'); // a server that ran out of disk keeps JetStream off until it is started again
          await server.gone(pid).catch(() => server.signal('SIGKILL'));
          await server.up();
        },
      };
    },
  },
  {
    name: 'full-node', needs: ['mounts'], threatens: ['I2', 'I9'],
    async inject(scene) {
      const { lab, measureMs } = scene;
      const [, node] = lab.nodes;
      if (node === undefined) throw new Error('there is no second node');
      await atWork(scene, [node]);
      const disk = await keepFull(node.host, join(lab.project(node.host), 'runs'));
      return {
        did: `the disk ${node.name} works on is full`, holdMs: Math.max(20_000, 1.5 * measureMs), // what it measures now may still end well
        missed: () => missed(node.name, disk),
        async heal() {
          await disk.empty();
          await node.up();
        },
      };
    },
  },
];
