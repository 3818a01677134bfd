import { appendFileSync, createWriteStream, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Processes } from '../../ports.ts';

// Daemons as child processes of this one.
//
//   P1. A daemon's standard input is its lifeline, and it is told so: when it closes, because we told it or because we are gone, the daemon ends.
//       SIGTERM alone lets it finish what it holds.
//   P2. A daemon inherits what it is given and nothing else: the environment is a list of names, so a key reaches only who needs it.

/** A daemon that does not go by itself is made to after this. */
const GRACE_MS = 8_000;

/** What every daemon may see of our environment. */
const PLAIN = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_OPTIONS', 'BRIGADE_CRASH_AT', 'BRIGADE_DEVICES', 'BRIGADE_LOCKS', 'CUDA_VISIBLE_DEVICES', 'ROCR_VISIBLE_DEVICES', 'LD_LIBRARY_PATH'];

export interface ProcessesOptions {
  /** The program every daemon runs, e.g. node and the entry file. */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  /** Where each daemon's `<name>.log` lies; null for our own standard error, which somebody else keeps. */
  readonly logDir: string | null;
  /** Further environment names for one daemon, e.g. a model's key for a specialist. */
  readonly secretsOf: (name: string) => readonly string[];
}

/** Starts and stops the daemons of one machine. */
export function openProcesses({ command: [program, ...first], cwd, logDir, secretsOf }: ProcessesOptions): Processes {
  if (logDir !== null) mkdirSync(logDir, { recursive: true });
  const running = new Set<{ stop(): Promise<void> }>();
  return {
    start({ name, args }) {
      // A stream over an open descriptor is handed to the child as that descriptor: its log goes on when we are gone.
      const file = logDir === null ? null : join(logDir, `${name}.log`);
      const log = file === null ? null : createWriteStream('', { fd: openSync(file, 'a') });
      const names = [...PLAIN, ...secretsOf(name)];
      const env = Object.fromEntries(names.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]]]))); // P2
      const child = execa(program, [...first, ...args], { cwd, env: { ...env, BRIGADE_LIFELINE: 'stdin' }, extendEnv: false, reject: false, buffer: false, stdin: 'pipe', stdout: log ?? process.stderr, stderr: log ?? process.stderr }); // P1
      log?.destroy();
      child.stdin.on('error', () => undefined); // a daemon that died first has nothing to be told
      const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
        child.once('exit', (code, signal) => resolve({ code, signal }));
        void child.then((end) => { // without memory for a process there is none that could exit
          if (child.pid === undefined) try { appendFileSync(file ?? '/dev/stderr', `${name} could not be started: ${end.originalMessage ?? 'no reason was given'}\n`); } catch { /* a full disk is told by whoever cannot do without it */ }
          resolve({ code: end.exitCode ?? null, signal: end.signal ?? null });
        });
      });
      let isTold = false;
      const daemon = {
        pid: child.pid ?? 0,
        exited,
        drain() { if (child.pid !== undefined) child.kill('SIGTERM'); },
        async stop() {
          if (child.pid === undefined) return void await exited; // there is nothing to kill, and a signal without a process number goes to our own group
          if (!isTold) {
            child.kill('SIGTERM');
            child.stdin.end(); // P1
          }
          isTold = true;
          const force = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
          await exited;
          clearTimeout(force);
        },
      };
      running.add(daemon);
      void exited.then(() => running.delete(daemon));
      return daemon;
    },
    async stopAll() { await Promise.all([...running].map((daemon) => daemon.stop())); },
  };
}
