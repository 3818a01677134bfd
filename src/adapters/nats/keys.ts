import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nkeys } from 'nats';
import { userId, type User } from '../../protocols/authority.ts';
import { ROLES, type Role } from '../../protocols/streams.ts';
import type { KnownUser } from './server-config.ts';

/** Where the seed of a role's key lies under a server's folder. */
export const keyFile = (dir: string, role: Role): string => join(dir, 'keys', `${role}.nk`);

/** One user a role, with public keys; seeds that do not exist yet are made. */
export const makeRoleKeys = (dir: string): Promise<readonly KnownUser[]> => makeKeys(join(dir, 'keys'), ROLES.map((role) => ({ role, name: null })));

/** Users with their public keys; seeds that do not exist yet are made in the folder, readable by their owner only. */
export async function makeKeys(keys: string, users: readonly User[]): Promise<readonly KnownUser[]> {
  await mkdir(keys, { recursive: true, mode: 0o700 });
  return Promise.all(users.map(async (user) => ({ ...user, publicKey: await publicKey(join(keys, `${userId(user)}.nk`)) })));
}

/** The public half of the key in a seed file, which is made where there is none. */
export async function publicKey(path: string): Promise<string> {
  const made = nkeys.createUser();
  await writeFile(path, made.getSeed(), { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'EEXIST') throw error; });
  const seed = (await readFile(path, 'utf8')).trim();
  try {
    return nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
  } catch (cause) {
    throw new Error(`${path} holds no nkey seed: remove it and a new key is made`, { cause });
  }
}
