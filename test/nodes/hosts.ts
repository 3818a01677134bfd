import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { groupFiles, makeGroup } from './groups.ts';

// The hosts: each has a folder, an address and processes of its own.
//
//   O1. A host in namespaces has its own network, processes, mounts, name and control group; when its first process dies all of it is gone.
//   O2. Where namespaces cannot be had a host is a folder and some ports of loopback.

/** A process of a host; its number is the one we see. */
export interface Running {
  readonly pid: number;
  readonly input: Writable | null;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  signal(name: NodeJS.Signals): void;
}

export interface Starting { readonly log: string; readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly hasInput?: boolean }

export interface Host {
  readonly name: string;
  readonly address: string;
  readonly folder: string;
  /** Its first process, for whoever wires it up; null where there are no namespaces. */
  readonly init: number | null;
  /** What its control group is called; null where there is none. */
  readonly group: string | null;
  start(command: readonly string[], how: Starting): Promise<Running>;
  /** Runs a few lines of shell as this host; throws what they complained of. */
  shell(script: string): Promise<string>;
}

const environment = (more: Readonly<Record<string, string>> = {}): Record<string, string> =>
  ({ ...Object.fromEntries(Object.entries(process.env).flatMap(([key, value]) => (value === undefined || key.startsWith('BRIGADE_') ? [] : [[key, value]]))), ...more });

/** A host that is only a folder (O2). */
export async function plainHost(name: string, folder: string): Promise<Host> {
  await mkdir(join(folder, 'tmp'), { recursive: true });
  return {
    name, folder, address: '127.0.0.1', init: null, group: null,
    start: async (command, how) => run(command, { ...how, env: { TMPDIR: join(folder, 'tmp'), BRIGADE_LOCKS: join(folder, 'locks'), ...how.env } }, null),
    shell: (script) => output(['sh', '-ec', script]),
  };
}

/** A host in namespaces (O1). `ordinal` keeps its process numbers apart from those of others. */
export async function apartHost(name: string, folder: string, { address, ordinal, lab }: { readonly address: string; readonly ordinal: number; readonly lab: string }): Promise<Host> {
  await mkdir(join(folder, 'tmp'), { recursive: true });
  const group = await makeGroup(`brigade-nodes-${lab}-${name}`);
  const ready = join(folder, 'ready');
  const complaints = openSync(join(folder, 'host.log'), 'a');
  const first = spawn('unshare', ['--net', '--mount', '--uts', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', 'bash', '-c', [
    'set -e', 'mount --make-rprivate /', `hostname ${name}`, 'ip link set lo up', 'mount -t tmpfs -o size=16m tmpfs /run',
    `echo ${ordinal * 1000 + 1000} > /proc/sys/kernel/ns_last_pid 2>/dev/null || true`,
    `echo ready > '${ready}'`, 'while :; do sleep 3600 & wait; done', // it also buries whoever is left to it
  ].join('\n')], { stdio: ['ignore', 'ignore', complaints] });
  closeSync(complaints);
  const init = await only(first.pid ?? 0);
  for (let tries = 0; (await readFile(ready, 'utf8').catch(() => '')) === ''; tries++) {
    if (tries > 400 || first.exitCode !== null) throw new Error(`the host ${name} could not be made`);
    await sleep(25);
  }
  const enter = ['nsenter', '-t', String(init), '-n', '-m', '-u', '-p'];
  const inside = (command: readonly string[], cwd: string): string[] => ['sh', '-c', [...groupFiles(group).map((file) => `echo $$ > '${file}' 2>/dev/null`), `exec "$@"`].join('\n'), 'enter', ...enter, `--wd=${cwd}`, ...command];
  return {
    name, folder, address, init, group,
    start: (command, how) => run(inside(command, how.cwd ?? folder), { ...how, env: { TMPDIR: join(folder, 'tmp'), BRIGADE_LOCKS: join(folder, 'locks'), ...how.env } }, only),
    shell: (script) => output([...enter, 'sh', '-ec', script]),
  };
}

/** The one child of a process, as soon as it has one. */
async function only(parent: number): Promise<number> {
  for (let tries = 0; tries < 1200; tries++) {
    const [child] = (await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8').catch(() => '')).trim().split(' ').filter(Boolean);
    if (child !== undefined) return Number(child);
    await sleep(10);
  }
  throw new Error(`process ${parent} has no child`);
}

async function run([program = '', ...args]: readonly string[], { log, cwd, env, hasInput = false }: Starting, find: ((parent: number) => Promise<number>) | null): Promise<Running> {
  const file = openSync(log, 'a');
  const child = spawn(program, args, { cwd, env: environment(env), stdio: [hasInput ? 'pipe' : 'ignore', file, file] });
  closeSync(file);
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const outer = child.pid ?? 0;
  const pid = find === null ? outer : await Promise.race([find(outer).catch(() => outer), exited.then(() => outer)]);
  return {
    pid, exited, input: child.stdin,
    signal(name) {
      for (const each of name === 'SIGCONT' ? [pid, outer] : [pid]) try { process.kill(each, name); } catch { /* gone */ } // whoever entered for it stops with it
    },
  };
}

/** What a command prints; throws with its last words when it fails. */
export async function output([program = '', ...args]: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let complained = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { said += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { complained += text; });
  const [code] = await once(child, 'close') as [number | null];
  if (code !== 0) throw new Error(`${[program, ...args].join(' ').slice(0, 300)} ended with ${code}: ${complained.trim().slice(-300)}`);
  return said;
}

/** Kills the first process of a host, and with it all others. */
export function endHost({ init }: Host): void {
  if (init !== null) try { process.kill(init, 'SIGKILL'); } catch { /* gone */ }
}
