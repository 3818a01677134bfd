import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeGroups } from './groups.ts';
import { output } from './hosts.ts';

// The lab seen from the machine it is on: one tree of processes in namespaces of its own, one folder, some control groups.
//
//   L1. When its first process is gone everything in it is, whatever killed it; what lies outside namespaces is written down before it is made.
//   L2. A lab that was killed is cleared away by the next; one that is at work is left alone.
//   L3. What a lab saw is kept unless everything held, or a person who had seen nothing break interrupted it; the next lab leaves it where it is.

/** Lies in a lab's folder as soon as something broke. */
export const BROKEN_MARK = 'broken';

const HOME = join(tmpdir(), `brigade-nodes-${process.getuid?.() ?? 0}`);

interface Written { readonly pid: number; readonly born: string; readonly id: string }

/** When a living process was born; null of none. */
const bornAt = (pid: number): Promise<string | null> => readFile(`/proc/${pid}/stat`, 'utf8').then((stat) => stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null, () => null);

/** Clears away what killed labs left; answers how many. */
export async function clearAway(): Promise<number> {
  let cleared = 0;
  for (const id of await readdir(HOME).catch(() => [])) {
    const file = join(HOME, id, 'lab.json');
    const record = await readFile(file, 'utf8').then((text) => JSON.parse(text) as Written, () => null);
    if (record === null || (await bornAt(record.pid)) === record.born) continue; // kept for somebody to read, or at work
    await removeGroups(`brigade-nodes-${record.id}-`);
    const isKept = existsSync(join(HOME, id, BROKEN_MARK)); // L3
    await rm(isKept ? file : join(HOME, id), { recursive: true, force: true });
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

/** Whether a lab's folder is kept (L3). `by` are the signals that it was told to end by: a timer's or a closing terminal's is no wish to forget. */
export const isKept = ({ code, by, keep, isBroken }: { readonly code: number; readonly by: readonly NodeJS.Signals[]; readonly keep: boolean; readonly isBroken: boolean }): boolean =>
  keep || isBroken || (code !== 0 && !(code === 130 && by.length > 0 && by.every((signal) => signal === 'SIGINT')));

export interface Entering { readonly isApart: boolean; readonly asUser: boolean; readonly keep: boolean; /** What this machine cannot do, for the lab to say. */ readonly env: Readonly<Record<string, string>> }

/** Runs this program again inside namespaces of its own, or as it is; resolves with its exit code. */
export async function enter(args: readonly string[], { isApart, asUser, keep, env }: Entering): Promise<number> {
  await mkdir(HOME, { recursive: true });
  const folder = await mkdtemp(join(HOME, 'lab-'));
  const id = folder.slice(-6);
  const command = [process.execPath, ...args];
  const [program = '', ...rest] = isApart ? ['unshare', ...spaces(asUser), 'bash', '-c', '"$@" <&0 & wait $!', 'lab', ...command] : command; // the shell buries whoever is left to it
  const child = spawn(program, rest, { stdio: ['pipe', 'inherit', 'inherit'], detached: true, env: { ...process.env, BRIGADE_NODES_FOLDER: folder, BRIGADE_NODES_ID: id, ...(isApart ? { BRIGADE_NODES_APART: '1' } : {}), ...env } });
  const exited = new Promise<number>((resolve) => { child.once('error', () => resolve(127)); child.once('exit', (code) => resolve(code ?? 130)); });
  await writeFile(join(folder, 'lab.json'), JSON.stringify({ pid: child.pid, born: await bornAt(child.pid ?? 0), id }));
  const by: NodeJS.Signals[] = [];
  const leave = (signal: NodeJS.Signals): void => {
    by.push(signal);
    if (by.length === 1) { process.stderr.write('ending: everything is healed and stopped; again ends it at once\n'); child.stdin?.end(); } else child.kill('SIGKILL');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, leave);
  const code = await exited;
  await removeGroups(`brigade-nodes-${id}-`);
  if (!isKept({ code, by, keep, isBroken: existsSync(join(folder, BROKEN_MARK)) })) await rm(folder, { recursive: true, force: true });
  else {
    await rm(join(folder, 'lab.json'), { force: true });
    process.stderr.write(`kept in ${folder}: history.jsonl is what was seen and done, journal.jsonl every fact of the run, <host>/<daemon>.log what each daemon said, store what the servers hold\n`);
  }
  return code;
}
