import { createHash } from 'node:crypto';
import { open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dice } from '../dice.ts';
import type { Fault } from './fault.ts';

// A keeper's LMDB that is damaged while the keeper is down.

const WAYS: readonly (readonly [name: string, how: string, damage: (file: string, dice: Dice) => Promise<void>])[] = [
  ['flip-cache', 'sixty-four bits flipped', async (file, dice) => {
    const handle = await open(file, 'r+');
    try {
      const { size } = await handle.stat();
      for (let n = 0; n < 64; n++) {
        const at = dice.below(size);
        const byte = Buffer.alloc(1);
        await handle.read(byte, 0, 1, at);
        await handle.write(Buffer.from([(byte[0] ?? 0) ^ (1 << dice.below(8))]), 0, 1, at);
      }
    } finally {
      await handle.close();
    }
  }],
  ['garble-cache', 'both meta pages overwritten', async (file) => {
    const handle = await open(file, 'r+');
    try { await handle.write(Buffer.alloc(8192, 0x5a), 0, 8192, 0); } finally { await handle.close(); }
  }],
  ['truncate-cache', 'cut in half', async (file) => {
    const handle = await open(file, 'r+');
    try { await handle.truncate(Math.floor((await handle.stat()).size / 2)); } finally { await handle.close(); }
  }],
  ['empty-cache', 'emptied', (file) => truncate(file, 0)],
  ['garbage-cache', 'replaced by something else', (file) => writeFile(file, 'this was never a database\n'.repeat(400))],
];

const digestOf = async (file: string): Promise<string> => createHash('sha256').update(await readFile(file)).digest('hex');

export const caches: readonly Fault[] = WAYS.map(([name, how, damage]) => ({
  name, needs: [], threatens: ['I5'],
  async inject({ lab, dice }) {
    const { keeper } = lab;
    const file = join(lab.project(keeper.host), 'runs', lab.run, 'lineage.lmdb');
    const pid = await keeper.up();
    let isChanged = false;
    keeper.hold();
    keeper.signal('SIGKILL');
    try {
      await keeper.gone(pid);
      const before = await digestOf(file);
      await damage(file, dice);
      isChanged = await digestOf(file) !== before;
    } finally {
      keeper.letGo();
    }
    return {
      did: `the cache of ${keeper.name} ${how} while it was down`, holdMs: 2_000,
      missed: async () => (isChanged ? null : 'the file of the cache is what it was'),
      async heal() { await keeper.up(); },
    };
  },
}));
