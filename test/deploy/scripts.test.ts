import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { natsBinary } from '../support/nats.ts';
import { openProject, type Project } from '../support/program.ts';

// The scripts that start and stop machines, tried with two machines that are two folders, and the batch script as a cluster would run it.

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

let project: Project;
let dir: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  [project, dir] = await Promise.all([openProject(), mkdtemp(join(tmpdir(), 'brigade-scripts-')).then((made) => realpath(made))]);
  const probe = createServer().listen(0, '127.0.0.1');
  const port = await new Promise<number>((resolve) => { probe.once('listening', () => { const { port: free } = probe.address() as AddressInfo; probe.close(() => resolve(free)); }); });
  await mkdir(join(dir, 'bin'));
  const program = async (name: string, ...lines: string[]): Promise<void> => { await writeFile(join(dir, 'bin', name), `#!/bin/sh\n${lines.join('\n')}\n`); await chmod(join(dir, 'bin', name), 0o755); };
  await program('brigade', `exec "${process.execPath}" "${join(project.root, 'dist', 'main.js')}" "$@"`);
  await program('elsewhere', 'BRIGADE_NODE="$1" exec sh -c "$2"'); // ssh's place: the same machine under another name
  await symlink(natsBinary, join(dir, 'bin', 'nats-server'));
  env = { ...process.env, PATH: `${join(dir, 'bin')}:${process.env.PATH ?? ''}`, SSH: 'elsewhere', BRIGADE_RUNS: project.runs, BRIGADE_SLOTS: '1', BRIGADE_LOCKS: join(dir, 'locks') };
  for (const machine of ['head', 'atlas']) await cp(join(ROOT, 'deploy', 'scripts'), join(dir, machine, 'deploy', 'scripts'), { recursive: true });
  await project.brigade(['nats', 'config', '--out', join(dir, 'head', 'nats'), '--server', `127.0.0.1:${port}`, '--node', 'atlas', '--surface', 'tiny', '--store', join(dir, 'store')]);
  for (const machine of ['head', 'atlas']) await writeFile(join(dir, machine, 'brigade.yaml'), `nats: nats://127.0.0.1:${port}\nkeys: ${join(dir, 'head', 'nats', 'keys')}\n`);
  await writeFile(join(dir, 'machines'), `# who does what\nhead ${join(dir, 'head')} nats broker standby\n\natlas ${join(dir, 'atlas')} node\n`);
});
afterAll(async () => {
  await machines('stop', '--now').catch(() => undefined);
  await project[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
}, 240_000);

const machines = (doing: string, ...more: string[]) => run('bash', [join(ROOT, 'deploy', 'scripts', 'machines.sh'), doing, join(dir, 'machines'), ...more], { cwd: dir, env, timeout: 200_000 });
const failing = ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr });

test('many machines are started in order, say how they are, and are stopped until nothing of them is left', async () => {
  expect((await machines('start')).stdout.match(/^(head|atlas|\w+ +started)/gm)?.map((line) => line.replace(/ .*/, ''))).toEqual(['head', 'nats', 'broker', 'standby', 'atlas', 'node']);
  const well = await vi.waitFor(() => machines('status'), { timeout: 200_000, interval: 500 });
  expect(well.stdout).toMatch(/^broker\/head {3}ready/m);
  expect(well.stdout).toMatch(/^broker\/head-standby {3}ready/m);
  expect(well.stdout).toMatch(/^node\/atlas {3}ready/m);
  expect((await machines('start')).stdout.match(/is running already/g), 'started twice is started once').toHaveLength(4);

  process.kill(Number(await readFile(join(dir, 'atlas', '.brigade', 'machine', 'node.pid'), 'utf8')), 'SIGKILL');
  expect(await machines('status').then(() => null, failing)).toMatchObject({ code: 1, stdout: expect.stringMatching(/node +is not well/) as string });

  expect((await machines('stop')).stdout.match(/^(head|atlas|\w+ +stopped)/gm)?.map((line) => line.replace(/ .*/, ''))).toEqual(['atlas', 'head', 'standby', 'broker', 'nats']);
  await project.quiet();
}, 400_000);

test.each([[[]], [['stop', 'nowhere']], [['restart', 'machines']]])('machines.sh %j says how it is used', async (args) => {
  expect(await run('bash', [join(ROOT, 'deploy', 'scripts', 'machines.sh'), ...args], { cwd: dir, env }).then(() => null, failing)).toMatchObject({ code: 1, stdout: expect.stringContaining('machines.sh start|stop|status FILE') as string });
});

test('a batch job whose time is nearly up drains its node and ends well, and leaves no folder behind', async () => {
  await run('bash', [join(dir, 'head', 'deploy', 'scripts', 'machine.sh'), 'start', 'nats'], { cwd: join(dir, 'head'), env });
  const tmp = join(dir, 'tmp');
  await mkdir(tmp);
  const job = execFile('bash', [join(ROOT, 'deploy', 'slurm', 'nodes.sbatch')], { cwd: join(dir, 'atlas'), env: { ...env, BRIGADE_RUNS: '', BRIGADE_NODE: 'atlas', SLURM_JOB_ID: '7', SLURM_TMPDIR: tmp, SLURM_SUBMIT_DIR: join(dir, 'atlas') } });
  const ended = new Promise<number | null>((resolve) => { job.once('exit', (code) => resolve(code)); });
  let err = '';
  job.stderr?.on('data', (text: string) => { err += text; });
  await vi.waitFor(() => { expect(err).toContain('serving every run'); }, { timeout: 200_000, interval: 100 });
  job.kill('SIGTERM');
  expect(await ended, err).toBe(0);
  expect(err).toContain('finishing what is held');
  expect(await readdir(tmp)).toEqual([]);
  await run('bash', [join(dir, 'head', 'deploy', 'scripts', 'machine.sh'), 'stop'], { cwd: join(dir, 'head'), env });
}, 300_000);
