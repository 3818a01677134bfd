import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { alive, bench, bwrap, expectNobody, INDEX, levels, nobody, python, READY, until, type Bench } from './sandboxed.ts';

// Whoever dies or falls silent, what they held dies with them.

const program = join(import.meta.dirname, '../../src/adapters/sandbox/warden/warden.py');
const RUNS_ON = `${READY}import time, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nif os.fork() == 0: os.setsid()\nprint('running', flush=True)\nwhile True: time.sleep(0.01)\n`;
const BUSY = `${READY}while True: pass\n`;

/** A daemon of its own process that runs one phase on a warden, and the warden's pid once the phase is under way. */
async function daemon(on: Bench, level: string, source: string, silenceMs: number): Promise<{ node: ChildProcess; warden: number; said: string[] }> {
  const open = { slot: `d${INDEX}`, index: INDEX, cores: [0], level, bwrap, groups: 'best', interpreter: null, locks: null, staging: join(on.folder, 'staging') };
  const job = on.job(source, { silenceMs, clock: 'calibrated', budgetSeconds: 60, wallSeconds: 60 });
  const node = spawn(process.execPath, [join(import.meta.dirname, 'daemon.mjs'), python, program, JSON.stringify(open), JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => { node.kill('SIGCONT'); node.kill('SIGKILL'); });
  const said: string[] = [];
  createInterface({ input: node.stdout }).on('line', (line) => { said.push(line); });
  await until(() => said.some((line) => line.includes('progress')));
  return { node, warden: Number(said[0]?.split(' ')[0]), said };
}

describe.each(await levels())('at level %s', (level) => {
  test('a killed daemon takes its warden and the recipe with it', async () => {
    await using on = await bench(level);
    const { node, warden } = await daemon(on, level, RUNS_ON, 60_000);
    expect(alive(on.mark).length).toBeGreaterThan(0);
    node.kill('SIGKILL');
    await until(() => nobody(on) && !isAlive(warden));
  });

  test('a daemon that only stops loses its phase after the silence, and hears so when it goes on', async () => {
    await using on = await bench(level);
    const { node, said } = await daemon(on, level, RUNS_ON, 2_000);
    node.kill('SIGSTOP');
    await until(() => nobody(on));
    node.kill('SIGCONT');
    await until(() => said.some((line) => line.includes('"why":"silence"')));
  });

  test('a killed warden leaves nothing', async () => {
    await using on = await bench(level);
    const { warden } = await daemon(on, level, RUNS_ON, 60_000);
    process.kill(warden, 'SIGKILL');
    await until(() => nobody(on));
  });

  test('a warden killed while the recipe is frozen leaves nothing frozen behind', async () => {
    await using on = await bench(level);
    const { warden } = await daemon(on, level, BUSY, 60_000);
    const reference = childOf(warden, 'reference.py');
    process.kill(reference, 'SIGSTOP'); // the calibration under way, or the next one, now waits with the recipe frozen
    onTestFinished(() => { if (isAlive(reference)) process.kill(reference, 'SIGKILL'); });
    await until(() => alive(on.mark).some((pid) => /^State:\s+[DT]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))));
    process.kill(warden, 'SIGKILL');
    await until(() => nobody(on));
  });

  test('a reference that stops answering is replaced, and the phase goes on', async () => {
    await using on = await bench(level);
    const run = on.run(BUSY, { clock: 'calibrated', budgetSeconds: 1.2 });
    await until(() => alive(on.mark).length > 0);
    process.kill(childOf(wardenOf(on), 'reference.py'), 'SIGSTOP');
    expect(await run).toMatchObject({ kind: 'over-budget', by: 'clock' });
    expectNobody(on);
  });

  test('a phase whose warden was killed ends once as not started, and the next one gets a new warden', async () => {
    await using on = await bench(level);
    let killed = false;
    const end = await on.slot.run(on.job(RUNS_ON), {
      signal: new AbortController().signal,
      onProgress: () => {
        if (killed) return;
        killed = true;
        process.kill(wardenOf(on), 'SIGKILL');
      },
    });
    expect(end).toMatchObject({ kind: 'not-started', scored: null });
    await until(() => nobody(on));
    expect(await on.run('print("again")')).toMatchObject({ kind: 'exited', code: 0, logTail: 'again\n' });
    expectNobody(on);
  });
});

function isAlive(pid: number): boolean {
  try { return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')); } catch { return false; }
}

/** The process below `parent` that runs `program`. */
function childOf(parent: number, program: string): number {
  const found = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program) && new RegExp(`^PPid:\\s+${parent}$`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch { return false; }
  });
  if (found === undefined) throw new Error(`${parent} has no child that runs ${program}`);
  return Number(found);
}

const wardenOf = (on: Bench): number => on.slot.warden.pid;
