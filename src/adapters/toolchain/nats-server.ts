import { execa } from 'execa';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { bad, fine, type Check } from './check.ts';
import { isAtLeast, OLDEST_NATS_SERVER, versionIn } from './version.ts';

// Can this nats-server keep what it acknowledges?
//
//   N1. The answer is read from the server itself while it runs: a version that knows the setting can still ignore a misspelt one.
//   N2. A server below the floor is refused whatever it answers; before it, acknowledged messages are lost when the power fails.

const NAME = 'nats-server';
const FETCH = 'npm run setup fetches one, or give --nats URL';
/** A server is up within a tenth of a second; on a machine that has a hundred other things to do it may take this long. */
const BOOT_MS = 60_000;

const Varz = z.object({ jetstream: z.object({ config: z.object({ sync_always: z.boolean().optional() }).optional() }).optional() });

/** Boots a server binary on an empty folder and asks it whether it syncs every message. */
export async function checkServerBinary(binary: string): Promise<Check> {
  const version = versionIn((await execa(binary, ['--version'], { reject: false, timeout: BOOT_MS })).stdout ?? '');
  if (version === null) return bad(NAME, `${binary} is not a nats-server that runs`, FETCH);
  if (!isAtLeast(version, OLDEST_NATS_SERVER)) return tooOld(version, binary); // N2
  const folder = await mkdtemp(join(tmpdir(), 'brigade-doctor-'));
  const config = join(folder, 'nats.conf');
  await writeFile(config, `listen: "127.0.0.1:-1"\nhttp: "127.0.0.1:-1"\nports_file_dir: "${folder}"\njetstream { store_dir: "${folder}/store", sync_interval: always }\n`);
  const server = execa(binary, ['-c', config], { reject: false, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', timeout: 2 * BOOT_MS, killSignal: 'SIGKILL' });
  try {
    const monitor = await Promise.race([monitorOf(folder), server.then(() => 'ended' as const)]);
    if (monitor === 'ended') return bad(NAME, `${binary} ${version} did not start`, FETCH);
    const varz = monitor === null ? null : await readVarz(monitor);
    if (varz === null) return tooSlow(version, binary);
    if (varz.jetstream?.config?.sync_always !== true) return bad(NAME, `${version} at ${binary} does not confirm sync_interval: always`, FETCH); // N1
    return fine(NAME, `${version}, every acknowledged message is on disk (${binary})`);
  } finally {
    server.kill('SIGKILL');
    await server;
    await rm(folder, { recursive: true, force: true });
  }
}

/** Silence says nothing of the server: it is neither replaced nor trusted. */
const tooSlow = (version: string, where: string): Check => bad(NAME, `${version} at ${where} did not answer in ${BOOT_MS / 1000} s`, 'this machine may be too busy: try again when it is not');

const tooOld = (version: string, where: string): Check => bad(NAME, `${version} at ${where} cannot promise durability. Brigade needs ${OLDEST_NATS_SERVER} or newer`, FETCH);

async function readVarz(monitor: string): Promise<z.infer<typeof Varz> | null> {
  try {
    const answer = await fetch(`${monitor}/varz`, { signal: AbortSignal.timeout(BOOT_MS) });
    const read = Varz.safeParse(await answer.json());
    return read.success ? read.data : {}; // what answers otherwise confirms nothing
  } catch {
    return null;
  }
}

/** The server writes its ports into a file when it is ready. */
async function monitorOf(folder: string): Promise<string | null> {
  for (const started = performance.now(); performance.now() - started < BOOT_MS; await wait(20)) {
    const file = (await readdir(folder).catch(() => [])).find((name) => name.endsWith('.ports'));
    if (file === undefined) continue;
    try {
      return z.object({ monitoring: z.array(z.string()).min(1) }).parse(JSON.parse(await readFile(join(folder, file), 'utf8'))).monitoring[0] ?? null;
    } catch { /* half written */ }
  }
  return null;
}
