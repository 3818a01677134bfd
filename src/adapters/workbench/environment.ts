import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { gistOf } from './gist.ts';

const run = promisify(execFile);

const ASK = `
import sys, platform, json
from importlib import metadata
print(json.dumps([sys.version, platform.machine(), platform.libc_ver(), sorted(f"{d.metadata['Name']}=={d.version}" for d in metadata.distributions())]))
`;

/** What a node brings along that may change a score: the trusted interpreter, that of recipes where it is another, and what is mounted. */
export interface Surroundings { readonly python: string; readonly interpreter: string | null; readonly mounts: Readonly<Record<string, string>> }

/** A hash of the interpreters with every package they would import, and of what is mounted: another version may compute another score. */
export async function hashEnvironment({ python, interpreter, mounts }: Surroundings): Promise<string> {
  const hash = createHash('sha256');
  for (const one of interpreter === null ? [python] : [python, interpreter]) {
    const { stdout } = await run(one, ['-I', '-c', ASK], { env: {}, timeout: 60_000 });
    hash.update(stdout);
  }
  for (const [name, path] of Object.entries(mounts).sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`mount ${name}\0${await gistOf(path)}\n`);
  return hash.digest('hex');
}

/** What kind of machine a CPU slot is, e.g. `cpu/amd-epyc-7763-64-core-processor`. */
export function deviceClass(): string {
  const model = (cpus()[0]?.model ?? 'unknown').toLowerCase().replace(/\(r\)|\(tm\)|cpu @.*$/g, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  return `cpu/${model.slice(0, 60) || 'unknown'}`;
}
