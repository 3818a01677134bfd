import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openProject, type Printed, type Process, type Project, type Running } from '../support/program.ts';
import { expectWhole } from './ledger.ts';
import { isWarden, recipesOf } from './recipes.ts';

// One run through which much goes wrong that ends no daemon of it: they stop and come back, wardens die, a disk fills up.
// Whoever comes back speaks too late, and no slot has two measurements.

let project: Project;
let running: Running;
beforeAll(async () => {
  project = await openProject();
  const recipe = join(project.root, 'surfaces', 'tiny', 'recipe', 'recipe.py');
  await writeFile(recipe, (await readFile(recipe, 'utf8')).replace('    generator = random.Random(seed)', '    import time\n    time.sleep(1.0 if most_steps > 2 else 0)\n    generator = random.Random(seed)'));
  const evaluator = join(project.root, 'evaluators', 'tiny', 'evaluator.yaml');
  await writeFile(evaluator, (await readFile(evaluator, 'utf8')).replace('budget: 1.5, tolerance: 0.5, wall: 10', 'budget: 30, tolerance: 0.5, wall: 60'));
  running = project.start(
    ['run', 'tiny', '--trials', '500', '--minutes', '20', '--arm', 'generic-2', '--ttl', '10', '--slots', '1', '--name', RUN, '--json'],
    { BRIGADE_CRASH_AT: 'evaluator.before-trial.measured:5:stop' },
  );
});
afterAll(() => project[Symbol.asyncDispose](), 240_000);

const RUN = 'misfortunes';
const PATIENT = { timeout: 120_000, interval: 50 };
const isEvaluator = (node: string | null) => ({ args }: Process): boolean => args[1]?.endsWith('/dist/main.js') === true && args[2] === 'evaluator' && (node === null ? !args.includes('--node') : args.includes(node));
const isBroker = ({ args }: Process): boolean => args[1]?.endsWith('/dist/main.js') === true && args[2] === 'broker';

const find = (is: (process: Process) => boolean): Promise<Process> => vi.waitFor(async () => {
  const found = (await project.processes()).find(is);
  if (!found) throw new Error('there is no such process');
  return found;
}, PATIENT);
const aRecipe = (): Promise<number> => vi.waitFor(async () => {
  const [found] = await recipesOf(project);
  if (!found) throw new Error('no recipe runs');
  return found.pid;
}, PATIENT);
const noRecipe = (): Promise<void> => vi.waitFor(async () => { expect(await recipesOf(project)).toEqual([]); }, PATIENT);
const stateOf = async (pid: number): Promise<string> => /^State:\s+(\w)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))?.[1] ?? 'gone';
const next = (is: (line: Printed) => boolean): Promise<Printed> => { const from = running.printed.length; return running.until((line) => is(line) && running.printed.indexOf(line) >= from); };
const said = (word: string, trial: unknown, replicate: unknown, attempt: unknown) => (line: Printed): boolean => line.event === word && line.trial === trial && line.replicate === replicate && line.attempt === attempt;

test('a node that stops with a measurement in its hand and comes back when another has the lease is heard, and not counted', async () => {
  const stopped = await find(isEvaluator(null));
  await vi.waitFor(async () => { expect(await stateOf(stopped.pid)).toBe('T'); }, PATIENT);
  const held = running.printed.filter(({ event }) => event === 'lease.granted').at(-1);
  const other = project.start(['evaluator', '--run', RUN, '--node', 'other', '--slots', '1']);
  const again = await running.until((line) => line.event === 'lease.granted' && line.trial === held?.trial && line.replicate === held?.replicate && Number(line.attempt) > Number(held?.attempt) && line.node === 'other');
  process.kill(stopped.pid, 'SIGCONT');
  await running.until(said('trial.measured', again.trial, again.replicate, held?.attempt));
  await running.until(said('trial.measured', again.trial, again.replicate, again.attempt));
  other.signal('SIGTERM');
  expect(await other.ended).toMatchObject({ code: 0 });
}, 600_000);

test('an evaluator that is stopped while it measures has its recipes killed by their wardens, and what it says later counts for nothing', async () => {
  await aRecipe();
  const { pid } = await find(isEvaluator(null));
  process.kill(pid, 'SIGSTOP');
  await noRecipe();
  const lost = await next((line) => line.event === 'lease.lapsed' && String(line.reason).includes('did not renew'));
  process.kill(pid, 'SIGCONT');
  const again = await running.until(said('trial.measured', lost.trial, lost.replicate, Number(lost.attempt) + 1));
  expect(again.failure).toBeNull();
}, 600_000);

test('a broker that stops and goes on counts what was measured meanwhile, and leases again', async () => {
  await aRecipe();
  const { pid } = await find(isBroker);
  process.kill(pid, 'SIGSTOP');
  const { trial } = await next(({ event }) => event === 'trial.measured');
  await noRecipe(); // nobody leases
  const goesOn = next((line) => line.event === 'lease.granted' || (line.event === 'trial.result' && line.trial === trial));
  process.kill(pid, 'SIGCONT');
  await goesOn;
}, 600_000);

test('a warden that is killed takes its recipe with it, and the recipe is not blamed: another attempt is made', async () => {
  const recipe = await aRecipe();
  const warden = await find(isWarden);
  const from = running.printed.length;
  process.kill(warden.pid, 'SIGKILL');
  const fault = await running.until((line) => running.printed.indexOf(line) >= from && line.event === 'trial.measured' && line.failure !== null && (line.failure as { kind?: string }).kind === 'harness_abort');
  expect(fault.failure).toMatchObject({ reason: expect.stringMatching(/the warden ended \(SIGKILL\)/) as string });
  expect(await stateOf(recipe)).toMatch(/gone|Z|X/);
  await running.until(said('lease.granted', fault.trial, fault.replicate, Number(fault.attempt) + 1));
}, 600_000);

if (process.getuid?.() !== 0) process.stderr.write('a node whose disk fills up is not tried: only root may give it a small one\n');
test.runIf(process.getuid?.() === 0)('a node whose disk fills up says so of one attempt, which is made again elsewhere, ends, and does not begin again before there is room', async () => {
  const dir = join(project.runs, RUN, 'work', 'full');
  await mkdir(dir, { recursive: true });
  const args = [join(project.root, 'dist', 'main.js'), 'evaluator', '--run', RUN, '--node', 'full', '--slots', '1'];
  const small = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'; // in a namespace of its own: nobody else sees this disk
  const start = (size: string) => {
    const child = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', small, 'sh', size, dir, process.execPath, ...args], { cwd: project.root, env: { ...process.env, BRIGADE_RUNS: project.runs }, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => { said += text; });
    return { pid: child.pid ?? 0, ended: new Promise<{ code: number | null; said: string }>((resolve) => { child.once('close', (code) => resolve({ code, said })); }) };
  };
  const full = start('24m');
  await running.until((line) => line.event === 'node.enrolled' && line.node === 'full');
  await expect(writeFile(join('/proc', String(full.pid), 'root', dir, 'filler'), new Uint8Array(32 * 2 ** 20))).rejects.toThrow(/ENOSPC/);
  const fault = await running.until((line) => line.event === 'trial.measured' && line.node === 'full' && (line.failure as { kind?: string } | null)?.kind === 'harness_abort');
  expect(fault.failure).toMatchObject({ reason: expect.stringMatching(/ENOSPC|Errno 28/) as string });
  expect(await full.ended).toEqual({ code: 2, said: expect.stringMatching(/the disk of this node takes nothing more \(.*\) after its last measurement: free some space on it/) as string });
  const again = await start('1m').ended;
  expect(again.said).toMatch(/MiB free and a measurement may need 16: free some space there/);
  expect(again.code).not.toBe(0);
  await rm(dir, { recursive: true });
  await running.until(said('trial.measured', fault.trial, fault.replicate, Number(fault.attempt) + 1));
}, 600_000);

test('and the run ends whole: every slot had one measurement at a time, and nothing is left', async () => {
  running.signal('SIGINT');
  const done = await running.ended;
  expect(done.code, done.err).toBe(130);
  const { lineage } = await expectWhole(project, RUN);
  expect(lineage.superseded).toBeGreaterThan(0);
  expect([...lineage.trials.values()].flatMap(({ result }) => (result?.status === 'lost' || result?.status === 'harness_abort' ? [result] : []))).toEqual([]);
  await project.quiet();
  expect(await readdir(join(project.runs, RUN)), 'what was worked in is gone').not.toEqual(expect.arrayContaining([expect.stringMatching(/^(work|scratch)$/)]));
}, 600_000);
