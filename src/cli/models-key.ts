import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { Mistake } from './mistake.ts';
import type { ModelSettings } from './models.ts';

// Keys of endpoints. A message about a key never holds any of it.

/** A longer file holds something else. */
const LONGEST_FILE = 4096;

/** The key a model is asked with; null where its endpoint asks for none. Throws `Mistake` with the remedy when it is not there, or could be read by others. */
export async function readKey({ key, baseURL }: Pick<ModelSettings, 'key' | 'baseURL'>, environment: Readonly<Record<string, string | undefined>>): Promise<string | null> {
  if (key === null) return null;
  const where = 'env' in key ? `the environment variable ${key.env}` : key.file;
  const text = 'env' in key ? environment[key.env] ?? '' : await contentOf(key.file, baseURL);
  const found = text.trim();
  if (found === '' && 'env' in key) throw new Mistake(`${key.env} is not set, and ${new URL(baseURL).host} is asked with the key in it: export ${key.env}=…, or say in a file of models where the key is: key: {file: PATH}, or key: none`);
  if (!/^[\x21-\x7e]{1,1000}$/.test(found)) throw new Mistake(`${where} holds no key: one line of plain characters without spaces is one`);
  return found;
}

async function contentOf(file: string, baseURL: string): Promise<string> {
  const found = await stat(file).catch((cause: unknown) => { throw new Mistake(`${file} is not there, and holds the key for ${new URL(baseURL).host}: put it there, or say key: {env: NAME}`, { cause }); });
  if (!found.isFile() || found.size > LONGEST_FILE) throw new Mistake(`${file} is no file of one key`);
  const me = process.geteuid?.() ?? 0;
  if (found.uid !== me && found.uid !== 0) throw new Mistake(`${file} belongs to another user (number ${found.uid}; you are ${me}), who could put any key there: keep one of your own`);
  if ((found.mode & 0o077) !== 0) throw new Mistake(`${file} can be read or changed by others on this machine (mode ${(found.mode & 0o777).toString(8)}): chmod 600 ${file}`);
  return readFile(file, 'utf8').catch((cause: unknown) => { throw new Mistake(`${file} cannot be read by you: chmod 600 ${file} as its owner`, { cause }); });
}

/** Whether an endpoint is of this machine or its own network, where one mostly asks for no key. */
export function isNear(baseURL: string): boolean {
  const host = new URL(baseURL).hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) === 4) return /^(127|10)\.|^192\.168\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^0\.0\.0\.0$/.test(host);
  if (isIP(host) === 6) return host === '::1' || /^f[cd]|^fe80/i.test(host);
  return !host.includes('.') || /\.(localhost|local|lan|internal|home\.arpa)$/i.test(host);
}
