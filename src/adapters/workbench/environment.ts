import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

const ASK = `
import sys, platform, json
from importlib import metadata
print(json.dumps([sys.version, platform.machine(), platform.libc_ver(), sorted(f"{d.metadata['Name']}=={d.version}" for d in metadata.distributions())]))
`;

/** A hash of the interpreter and of every package it would import: another version may compute another score. */
export async function hashEnvironment(python: string): Promise<string> {
  const { stdout } = await run(python, ['-I', '-c', ASK], { env: {}, timeout: 60_000 });
  return createHash('sha256').update(stdout).digest('hex');
}

/** What kind of machine a CPU slot is, e.g. `cpu/amd-epyc-7763-64-core-processor`. */
export function deviceClass(): string {
  const model = (cpus()[0]?.model ?? 'unknown').toLowerCase().replace(/\(r\)|\(tm\)|cpu @.*$/g, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  return `cpu/${model.slice(0, 60) || 'unknown'}`;
}
