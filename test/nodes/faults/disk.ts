import { join } from 'node:path';
import type { Host } from '../hosts.ts';
import type { Fault } from './fault.ts';

// A disk that is full. The second server and the second node have small disks of their own.

/** Fills what is left of the disk a folder lies on. */
const fill = (host: Host, folder: string): Promise<string> => host.shell(`dd if=/dev/zero of='${folder}/filler' bs=64k 2>/dev/null || true; dd if=/dev/zero of='${folder}/filler2' bs=512 2>/dev/null || true; df -k '${folder}' | tail -1`);
const clear = (host: Host, folder: string): Promise<string> => host.shell(`rm -f '${folder}/filler' '${folder}/filler2'`);

export const disks: readonly Fault[] = [
  {
    name: 'full-server', needs: ['mounts'], threatens: ['I1', 'I7'],
    async inject({ lab }) {
      const server = lab.servers[1];
      if (server === undefined) throw new Error('there is no second server');
      const folder = join(lab.folder, 'store', 'n2');
      await fill(server.host, folder);
      return {
        did: `the disk of ${server.name} is full; when there is room again it is started anew`, holdMs: 20_000,
        async heal() {
          await clear(server.host, folder);
          server.signal('SIGTERM'); // a server that ran out of disk keeps JetStream off until it is started again
        },
      };
    },
  },
  {
    name: 'full-node', needs: ['mounts'], threatens: ['I2', 'I9'],
    async inject({ lab }) {
      const node = lab.nodes[1];
      if (node === undefined) throw new Error('there is no second node');
      const folder = join(lab.project(node.host), 'runs');
      await fill(node.host, folder);
      return { did: `the disk ${node.name} works on is full`, holdMs: 20_000, async heal() { await clear(node.host, folder); } };
    },
  },
];
