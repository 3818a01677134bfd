import { spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, readlink, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { connectNats, type NatsSession } from '../../src/adapters/nats/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { Role } from '../../src/protocols/streams.ts';

const HERE = join(import.meta.dirname, '..', '..');
/** How long anything may take before a test says what it was waiting for. */
const PATIENCE_MS = 120_000;

/** What `run --json` and the other commands print, a line each. */
export type Printed = Readonly<Record<string, unknown>>;

export interface Done { readonly code: number | null; readonly signal: string | null; readonly out: string; readonly err: string; readonly printed: readonly Printed[] }

/** The program while it runs. */
export interface Running {
  readonly pid: number;
  readonly printed: readonly Printed[];
  /** The first line, printed already or to come, of which this is true; fails when the program ends before it. */
  until(what: (line: Printed) => boolean): Promise<Printed>;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<Done>;
}

/** A copy of the project in a folder of its own, with its own runs, calibrations and surfaces, and the installation of this one. */
export interface Project extends AsyncDisposable {
  readonly root: string;
  readonly runs: string;
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Running;
  /** Runs a command to its end. */
  brigade(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Done>;
  /** Forgets what was measured of the baseline, so that the next run calibrates. */
  forgetCalibrations(): Promise<void>;
  /** Live processes that name this copy in their command line or environment, or see it mounted. */
  processes(): Promise<Process[]>;
  /** Waits until none of them is left. */
  quiet(): Promise<void>;
  /** A session on a live run's server. */
  session(run: string, role: Role): Promise<NatsSession>;
  /** A live run's facts up to now. */
  facts(run: string): Promise<Fact[]>;
  exported(run: string): Promise<Fact[]>;
}

export interface Process { readonly pid: number; readonly args: readonly string[]; readonly environment: string }

/** Copies the built program and the test surface; tests end by asserting that nothing of it lives on. */
export async function openProject(): Promise<Project> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'brigade-loop-')));
  const runs = join(root, 'runs');
  for (const part of ['package.json', 'dist', 'surfaces/tiny', 'evaluators/tiny', 'deploy/setup/pins.json']) await cp(join(HERE, part), join(root, part), { recursive: true });
  await mkdir(join(root, '.brigade'));
  await symlink(join(HERE, 'node_modules'), join(root, 'node_modules'));
  await symlink(join(HERE, '.brigade', 'data'), join(root, '.brigade', 'data'));
  const setup = JSON.parse(await readFile(join(HERE, '.brigade', 'setup.json'), 'utf8')) as Record<string, unknown>;
  await writeFile(join(root, '.brigade', 'setup.json'), JSON.stringify({ ...setup, root }));

  const started = new Set<ChildProcess>();
  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Running => {
    const child = spawn(process.execPath, [join(root, 'dist', 'main.js'), ...args], { cwd: root, env: { ...process.env, ...env, BRIGADE_RUNS: runs }, stdio: [env.BRIGADE_LIFELINE ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
    started.add(child);
    return follow(child);
  };
  const processes = async (): Promise<Process[]> => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
    const found = await Promise.all(pids.map(async (pid): Promise<Process | null> => {
      const text = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
      const [args, environment, mounts, status, folder] = await Promise.all([text('cmdline'), text('environ'), text('mountinfo'), text('status'), readlink(`/proc/${pid}/cwd`).catch(() => '')]);
      const isOurs = [args, environment, mounts, folder].some((where) => where.includes(root));
      return isOurs && !/^State:\s+[ZX]/m.test(status) ? { pid: Number(pid), args: args.split('\0'), environment } : null;
    }));
    return found.filter((each) => each !== null);
  };
  const quiet = async (): Promise<void> => {
    await vi.waitFor(async () => { expect((await processes()).map(({ pid, args }) => `${pid} ${args.join(' ')}`)).toEqual([]); }, { timeout: PATIENCE_MS, interval: 100 });
  };
  const session = async (run: string, role: Role): Promise<NatsSession> => {
    const { url } = JSON.parse(await readFile(join(runs, run, 'live.json'), 'utf8')) as { url: string };
    return connectNats({ url, keyFile: join(runs, run, 'nats', 'keys', `${role}.nk`), name: `test ${role}`, role });
  };
  return {
    root, runs, start, processes, quiet, session,
    brigade: (args, env) => start(args, env).ended,
    forgetCalibrations: () => rm(join(root, '.brigade', 'calibrations'), { recursive: true, force: true }),
    async facts(run) {
      await using reader = await session(run, 'operator');
      const journal = reader.journal(run);
      const end = await journal.position();
      const found: Fact[] = [];
      const stop = new AbortController();
      if (end > 0) for await (const fact of journal.follow({ after: 0, signal: stop.signal })) { found.push(fact); if (fact.seq >= end) break; }
      stop.abort();
      return found;
    },
    exported: async (run) => (await readFile(join(runs, run, 'journal.jsonl'), 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line) as Fact),
    async [Symbol.asyncDispose]() {
      for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      try { await quiet(); } finally {
        for (const { pid } of await processes()) try { process.kill(pid, 'SIGKILL'); } catch { /* gone meanwhile */ }
        if (existsSync(root)) await rm(root, { recursive: true, force: true, maxRetries: 5 });
      }
    },
  };
}

function follow(child: ChildProcess): Running {
  const printed: Printed[] = [];
  const waiting = new Set<() => void>();
  let out = '';
  let err = '';
  let unfinished = '';
  let done: Done | null = null;
  const wake = (): void => { for (const each of [...waiting]) each(); };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    const lines = `${unfinished}${text}`.split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) printed.push(JSON.parse(line) as Printed);
    wake();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { err += text; });
  const ended = new Promise<Done>((resolve) => {
    child.once('close', (code, signal) => { done = { code, signal, out, err, printed }; wake(); resolve(done); });
  });
  return {
    pid: child.pid ?? 0, printed, ended,
    signal: (name) => { child.kill(name); },
    until: (what) => new Promise<Printed>((resolve, reject) => {
      const finish = (how: () => void): void => { clearTimeout(late); waiting.delete(look); how(); };
      const late = setTimeout(() => finish(() => reject(new Error(`waited in vain for ${String(what)}; last printed ${JSON.stringify(printed.at(-1))}; ${err}`))), PATIENCE_MS);
      const look = (): void => {
        const found = printed.find(what);
        if (found) finish(() => resolve(found));
        else if (done) finish(() => reject(new Error(`ended with ${done?.code ?? done?.signal} before ${String(what)}: ${err}`)));
      };
      waiting.add(look);
      look();
    }),
  };
}
