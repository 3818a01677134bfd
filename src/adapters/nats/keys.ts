import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nkeys } from 'nats';
import { ROLES, type Role } from '../../protocols/streams.ts';

/** Where the seed of a role's key lies under a server's folder. */
export const keyFile = (dir: string, role: Role): string => join(dir, 'keys', `${role}.nk`);

/** Public keys of every role; seeds that do not exist yet are made, readable by their owner only. */
export async function makeKeys(dir: string): Promise<Record<Role, string>> {
  await mkdir(join(dir, 'keys'), { recursive: true, mode: 0o700 });
  const keys = await Promise.all(ROLES.map(async (role) => [role, await publicKey(keyFile(dir, role))] as const));
  return Object.fromEntries(keys) as Record<Role, string>;
}

async function publicKey(path: string): Promise<string> {
  const made = nkeys.createUser();
  await writeFile(path, made.getSeed(), { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'EEXIST') throw error; });
  const seed = (await readFile(path, 'utf8')).trim();
  try {
    return nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
  } catch (cause) {
    throw new Error(`${path} holds no nkey seed: remove it and a new key is made`, { cause });
  }
}
