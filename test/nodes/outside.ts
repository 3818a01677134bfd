import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeGroups } from './groups.ts';
import { output } from './hosts.ts';

// The lab seen from the machine it is on: one tree of processes in namespaces of its own, one folder, some control groups.
//
//   L1. When its first process is gone everything in it is, whatever killed it; what lies outside namespaces is written down before it is made.
//   L2. A lab that was killed is cleared away by the next; one that is at work is left alone.

const HOME = join(tmpdir(), `brigade-nodes-${process.getuid?.() ?? 0}`);

interface Record { readonly pid: number; readonly born: string; readonly id: string }

/** When a living process was born; null of none. */
const bornAt = (pid: number): Promise<string | null> => readFile(`/proc/${pid}/stat`, 'utf8').then((stat) => stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null, () => null);

/** Clears away what killed labs left; answers how many. */
export async function clearAway(): Promise<number> {
  let cleared = 0;
  for (const id of await readdir(HOME).catch(() => [])) {
    const file = join(HOME, id, 'lab.json');
    const record = await readFile(file, 'utf8').then((text) => JSON.parse(text) as Record, () => null);
    if (record === null || (await bornAt(record.pid)) === record.born) continue; // kept for somebody to read, or at work
    await removeGroups(`brigade-nodes-${record.id}-`);
    await rm(join(HOME, id), { recursive: true, force: true });
    cleared += 1;
  }
  return cleared;
}

/** What this machine can do for a lab, and why not where it cannot. */
export async function abilities(): Promise<{ readonly apart: string | null; readonly asUser: boolean; readonly bandwidth: string | null }> {
  const asUser = process.getuid?.() !== 0;
  const within = (script: string): Promise<string | null> => output(['unshare', ...spaces(asUser), 'sh', '-ec', script]).then(() => null, (error: unknown) => String(error instanceof Error ? error.message : error));
  const apart = await within('ip link add b0 type bridge; ip link add v0 type veth peer name v1; mount -t tmpfs tmpfs /run; unshare --net --mount --uts --pid --fork true');
  return { apart, asUser, bandwidth: apart ?? await within('ip link add v0 type veth peer name v1; tc qdisc add dev v0 root tbf rate 1mbit burst 16k latency 400ms') };
}

const spaces = (asUser: boolean): string[] => [...(asUser ? ['--user', '--map-root-user'] : []), '--net', '--mount', '--pid', '--uts', '--fork', '--kill-child=KILL', '--mount-proc'];

/** Runs this program again inside namespaces of its own, or as it is; resolves with its exit code. The folder is kept when it is not 0. */
export async function enter(args: readonly string[], { isApart, asUser }: { readonly isApart: boolean; readonly asUser: boolean }): Promise<number> {
  await mkdir(HOME, { recursive: true });
  const folder = await mkdtemp(join(HOME, 'lab-'));
  const id = folder.slice(-6);
  const command = [process.execPath, ...args];
  const [program = '', ...rest] = isApart ? ['unshare', ...spaces(asUser), 'bash', '-c', '"$@" <&0 & wait $!', 'lab', ...command] : command; // the shell buries whoever is left to it
  const child = spawn(program, rest, { stdio: ['pipe', 'inherit', 'inherit'], detached: true, env: { ...process.env, BRIGADE_NODES_FOLDER: folder, BRIGADE_NODES_ID: id, ...(isApart ? { BRIGADE_NODES_APART: '1' } : {}) } });
  const exited = new Promise<number>((resolve) => { child.once('error', () => resolve(127)); child.once('exit', (code) => resolve(code ?? 130)); });
  await writeFile(join(folder, 'lab.json'), JSON.stringify({ pid: child.pid, born: await bornAt(child.pid ?? 0), id }));
  let asked = 0;
  const leave = (): void => {
    asked += 1;
    if (asked === 1) { process.stderr.write('ending: everything is healed and cleared away; again ends it at once\n'); child.stdin?.end(); } else child.kill('SIGKILL');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, leave);
  const code = await exited;
  await removeGroups(`brigade-nodes-${id}-`);
  if (code === 0 || asked > 0) await rm(folder, { recursive: true, force: true });
  else {
    await rm(join(folder, 'lab.json'), { force: true });
    process.stderr.write(`what was seen is in ${folder}/history.jsonl, the hosts' logs beside it\n`);
  }
  return code;
}
