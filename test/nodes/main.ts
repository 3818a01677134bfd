import { resolve } from 'node:path';
import { conduct } from './inside.ts';
import { readFlags, USAGE } from './flags.ts';
import type { Ability } from './faults/index.ts';
import { abilities, clearAway, enter } from './outside.ts';

// `npm run nodes`: the whole of Brigade on a dozen hosts of one machine, under faults.

const args = process.argv.slice(2);
if (args.includes('--help')) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
const folder = process.env['BRIGADE_NODES_FOLDER'];
process.exitCode = await (folder === undefined ? outside() : inside(folder)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
  return 2;
});

async function outside(): Promise<number> {
  const flags = readFlags(args);
  const cleared = await clearAway();
  if (cleared > 0) process.stdout.write(`cleared away what ${cleared} killed ${cleared === 1 ? 'lab' : 'labs'} had left\n`);
  const can = await abilities();
  if (can.apart !== null) process.stdout.write(`NO NAMESPACES HERE (${can.apart}): the hosts are folders and ports of loopback, and nothing can be partitioned\n`);
  const isApart = flags.isApart && can.apart === null;
  const env = isApart && can.bandwidth !== null ? { BRIGADE_NODES_WIDE: can.bandwidth.slice(0, 120) } : {};
  return enter([resolve(process.argv[1] ?? ''), ...args], { isApart, asUser: can.asUser, keep: flags.keep, env });
}

async function inside(at: string): Promise<number> {
  const flags = readFlags(args);
  const isApart = process.env['BRIGADE_NODES_APART'] !== undefined;
  const wide = process.env['BRIGADE_NODES_WIDE'];
  const missing = new Map<Ability, string>(isApart ? (wide === undefined ? [] : [['bandwidth', wide]]) : (['network', 'mounts', 'bandwidth'] as const).map((ability) => [ability, 'hosts are folders of one machine here'] as const));
  const stop = new AbortController();
  process.stdin.resume().on('end', () => stop.abort()).on('error', () => stop.abort());
  const code = await conduct(flags, { root: resolve(import.meta.dirname, '..', '..', '..'), folder: at, id: process.env['BRIGADE_NODES_ID'] ?? 'lab', missing, signal: stop.signal });
  setTimeout(() => process.exit(code), 2_000).unref();
  return code;
}
