import type { Lease } from '../../src/domain/measurement.ts';
import type { PhaseEnd } from '../../src/domain/phase.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import type { Bench, PassedCanary, PhaseJob, Sandbox, SandboxSlot, Workbench } from '../../src/ports.ts';
import type { Daemon } from './daemon.ts';
import { dice, type Dice } from './dice.ts';
import type { Schedule } from './schedule.ts';

// One machine with slots. What runs in them outlives the daemon that started it for as long as its warden takes to notice.
//
//   H1. A warden that heard nothing for its silence kills what it holds, and one whose daemon died does so almost at once.
//   H2. Killing takes a moment, and only then is the phase over.
//   H3. What a recipe does depends on its text and on the seed it was given.

/** One thing that ran in one slot, from its start to the moment it was really dead, in the world's milliseconds. */
export interface Ran { readonly host: string; readonly slot: string; readonly trial: string; readonly replicate: string; readonly attempt: number; readonly slots: number; readonly by: string; readonly from: number; to: number | null }

interface Running { readonly ran: Ran; heard: number; readonly kill: (why: 'silence' | 'aborted' | 'died', afterMs: number) => void }

const NOTHING = { seconds: 0, wallSeconds: 0, scored: null, logTail: '' };

export class Host {
  readonly name: string;
  readonly slots: readonly string[];
  readonly ran: Ran[] = [];
  /** Chance that a machine's fault ends a phase, and that a slot cannot be cleared. */
  readonly faults = { phase: 0, clearing: 0 };
  readonly #schedule: Schedule;
  readonly #dice: Dice;
  readonly #running = new Map<string, Running>();
  readonly #recipes = new Map<string, Recipe>();

  constructor(name: string, slots: number, schedule: Schedule, dice: Dice) {
    this.name = name;
    this.slots = Array.from({ length: slots }, (_, i) => `cpu${i}`);
    this.#schedule = schedule;
    this.#dice = dice;
  }

  /** The sandbox as one daemon opens it; `leaseAt` says what its slot is leased for. */
  sandbox(daemon: Daemon, leaseAt: (slot: string) => Lease | null): Sandbox {
    const mine = new Set<string>();
    daemon.onEnd(() => { for (const slot of mine) this.#running.get(slot)?.kill('died', this.#dice.between(1, 60)); }); // H1
    return {
      level: 'bubblewrap', describes: 'a slot that only keeps time',
      open: async ({ slot }): Promise<SandboxSlot> => ({
        run: (job, { signal }) => {
          mine.add(slot);
          return this.#run(daemon, slot, job, leaseAt(slot), signal).finally(() => mine.delete(slot));
        },
        beat: (agoMs = 0) => { const running = this.#running.get(slot); if (running?.ran.by === daemon.id) running.heard = this.#schedule.now - agoMs; },
        [Symbol.asyncDispose]: async () => undefined,
      }),
    };
  }

  #run(daemon: Daemon, slot: string, job: PhaseJob, lease: Lease | null, signal: AbortSignal): Promise<PhaseEnd> {
    const schedule = this.#schedule;
    const luck = dice(JSON.stringify(this.#recipes.get(job.recipe)), job.name, job.env['BRIGADE_SEED'] ?? ''); // H3
    const wallMs = job.name === 'eval' ? luck.between(20, 120) : luck.happens(0.15) ? luck.between(1400, 9000) : luck.between(200, 1400); // some outlast their lease many times
    const ran: Ran = { host: this.name, slot, trial: lease?.trial ?? '?', replicate: lease?.replicate ?? '?', attempt: lease?.attempt ?? 0, slots: lease?.slots.length ?? 1, by: daemon.id, from: schedule.now, to: null };
    this.ran.push(ran);
    return new Promise((resolve) => {
      let isOver = false;
      const end = (how: PhaseEnd): void => { // H2
        if (isOver) return;
        isOver = true;
        ran.to = schedule.now;
        if (this.#running.get(slot) === running) this.#running.delete(slot);
        signal.removeEventListener('abort', abort);
        schedule.at(schedule.now + 0.5, () => resolve(how), 'message', daemon);
      };
      const dying = (how: PhaseEnd, afterMs: number): void => { schedule.at(schedule.now + afterMs, () => end(how)); };
      const running: Running = { ran, heard: schedule.now, kill: (why, afterMs) => dying({ ...NOTHING, kind: 'killed', why: why === 'silence' ? 'silence' : 'aborted' }, afterMs) };
      const abort = (): void => running.kill('aborted', this.#dice.between(1, 200));
      const listen = (): void => { // H1
        if (isOver) return;
        const left = running.heard + job.silenceMs - schedule.now;
        if (left <= 0) running.kill('silence', this.#dice.between(1, 50)); else schedule.at(schedule.now + left, listen);
      };
      this.#running.set(slot, running);
      if (signal.aborted) abort(); else signal.addEventListener('abort', abort, { once: true });
      schedule.at(schedule.now + job.silenceMs, listen);
      const how = this.#dice.happens(this.faults.phase) ? { ...NOTHING, kind: 'not-started' as const, reason: 'the machine has a fault' } : this.#outcome(job, wallMs / 1000);
      schedule.at(schedule.now + (how.kind === 'not-started' ? 1 : wallMs), () => end(how));
    });
  }

  #outcome(job: PhaseJob, seconds: number): PhaseEnd {
    const text = this.#recipes.get(job.recipe)?.['recipe.py'] ?? '';
    const seen = { ...NOTHING, seconds, wallSeconds: seconds };
    if (text.includes('crash')) return { ...seen, kind: 'exited', code: 1, logTail: 'ValueError: a recipe that crashes' };
    if (job.scorer === null) return { ...seen, kind: 'exited', code: 0 };
    const named = Number(/loss=([\d.]+)/.exec(text)?.[1] ?? 2.5);
    const noise = dice(text, job.env['BRIGADE_SEED'] ?? '', job.scorer.request.includes('"confirm"') ? 'c' : 's').between(-0.02, 0.02);
    return { ...seen, kind: 'exited', code: 0, scored: { kind: 'scored', score: Math.round((named + noise) * 1e6) / 1e6, metrics: {}, gates: [] } };
  }

  /** The node's disk, as one daemon uses it. */
  workbench(daemon: Daemon, hash: string): Workbench {
    let passed: readonly PassedCanary[] = [];
    const takes = (most: number): Promise<void> => daemon.clock.wait(this.#dice.between(0.1, most), new AbortController().signal);
    return {
      device: 'cpu/test', environmentHash: hash, evaluator: '/evaluator', data: '/data', dataSet: (name) => `/data/${name}`,
      changed: async () => null, differs: async () => null, canary: async () => ({}),
      recallCanaries: async () => passed, rememberCanaries: async (told) => { passed = told; },
      stage: async (slot, recipe): Promise<Bench> => {
        await takes(20);
        const path = `/bench/${this.name}/${slot}/${this.#recipes.size}`;
        this.#recipes.set(path, recipe);
        return {
          recipe: path, recipeBytes: 10, changed: async () => null,
          scratch: async (phase) => ({ folder: `${path}/${phase}`, log: `${path}/${phase}.log` }),
          seal: async () => ({ kind: 'sealed', path: `${path}/artifact`, file: 'artifact', bytes: 100, sha256: hash }),
          place: async () => undefined,
          [Symbol.asyncDispose]: async () => {
            await takes(10);
            if (this.#dice.happens(this.faults.clearing)) throw new Error('a process will not die');
          },
        };
      },
    };
  }
}
