import { afterAll, beforeAll, expect, test } from 'vitest';
import { openProject, type Process, type Project, type Running } from '../support/program.ts';
import { expectWhole } from './ledger.ts';
import { isWarden, recipesOf } from './recipes.ts';

// kill -9 at random moments of whatever a run consists of, under load. `npm run soak` kills two hundred times; BRIGADE_SOAK_SEED repeats one that failed.

const KILLS = Number(process.env['BRIGADE_SOAK_KILLS'] ?? 8);
const SEED = Number(process.env['BRIGADE_SOAK_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const SLOTS = 2;
const TRIALS = KILLS > 20 ? 24 : 6;
/** A daemon that dies more often in a row is given up by its supervisor, as it should be. */
const FORGIVEN = 6;
const LONGEST_PAUSE_MS = 1_500;

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

/** What a process is called in the count of kills; null for what is not killed: the recipes themselves, whose death would be an outcome. */
function nameOf(process: Process): string | null {
  const { args } = process;
  if (args[0]?.endsWith('nats-server') === true) return 'nats-server';
  if (isWarden(process)) return 'warden';
  if (args[1]?.endsWith('/dist/main.js') !== true) return null;
  if (args[2] === 'run') return 'supervisor';
  return args[2] === 'specialist' ? `specialist ${args[args.indexOf('--domain') + 1] ?? ''}` : args[2] ?? null;
}

test(`nothing is lost or counted twice, and no slot has two measurements, however often and whenever whoever is killed (seed ${SEED})`, async () => {
  let state = SEED;
  const random = (): number => { // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    const twice = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((twice ^ (twice >>> 14)) >>> 0) / 2 ** 32;
  };
  const killed = new Map<string, number>();
  const crowds: string[] = [];
  let kills = 0;
  for (let number = 1; kills < KILLS; number++) {
    const run = `soak-${number}`;
    const sinceStart = new Map<string, number>();
    let running: Running = project.start(['run', 'tiny', '--trials', String(TRIALS), '--minutes', '20', '--arm', 'generic-2', '--slots', String(SLOTS), '--seed', String(number), '--name', run, '--json']);
    let isOver = false;
    await Promise.race([running.until(({ event }) => event === 'lease.granted'), running.ended]);
    void running.ended.then(() => { isOver = true; });
    while (!isOver && kills < KILLS) {
      await new Promise((resolve) => { setTimeout(resolve, random() * LONGEST_PAUSE_MS); });
      const seeds = new Set((await recipesOf(project)).map(({ seed }) => seed));
      if (seeds.size > SLOTS) crowds.push(`${[...seeds].join(' ')} at once in ${run}`);
      const victims = (await project.processes()).flatMap((process) => { const name = nameOf(process); return name === null || (sinceStart.get(name) ?? 0) >= FORGIVEN ? [] : [{ pid: process.pid, name }]; });
      const victim = victims[Math.floor(random() * victims.length)];
      if (victim === undefined || isOver) continue;
      try { process.kill(victim.pid, 'SIGKILL'); } catch { continue; } // it has just ended by itself
      kills += 1;
      killed.set(victim.name, (killed.get(victim.name) ?? 0) + 1);
      sinceStart.set(victim.name, (sinceStart.get(victim.name) ?? 0) + 1);
      if (victim.name !== 'supervisor') continue;
      await running.ended;
      await project.quiet(); // whoever it had started goes by itself
      sinceStart.clear();
      isOver = false;
      running = project.start(['run', '--resume', run, '--json']);
      void running.ended.then(() => { isOver = true; });
      while (!isOver && !(await project.processes()).some(isWarden)) await new Promise((resolve) => { setTimeout(resolve, 100); }); // until all are there to be killed again
    }
    const done = await running.ended;
    expect({ run, code: done.code, signal: done.signal }, done.err).toEqual({ run, code: 0, signal: null });
    const { lineage } = await expectWhole(project, run);
    expect(lineage.stopped).not.toBeNull();
    await project.quiet();
  }
  expect(crowds).toEqual([]);
  process.stderr.write(`${kills} kills: ${[...killed].map(([name, n]) => `${name} ${n}`).join(', ')}\n`);
}, Math.max(600_000, KILLS * 60_000));
