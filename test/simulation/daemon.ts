import type { Clock } from '../../src/ports.ts';
import type { Dice } from './dice.ts';
import type { Happening, Owner, Schedule } from './schedule.ts';

// One process of the simulated world.
//
//   P1. A daemon that is gone never gets another turn: what its actor held in memory is as good as lost. What it had sent goes on its way.
//   P2. A paused one keeps its timers and its mail; resumed, it finds them all at once and the clock far ahead.
//   P3. Its clock began at a moment of its own and runs a little fast or slow: whoever compares two machines' clocks is found out.

/** How much a clock may run ahead or behind, as a fraction; quartz does a thousandth of it. */
export const DRIFT = 0.01;

/** What becomes of what passes between a daemon and the server, one way. */
export type Link = 'open' | 'stalled' | 'cut';

export class Daemon implements Owner {
  readonly name: string;
  /** Which start of this name it is, from 1. */
  readonly start: number;
  readonly backlog: Happening[] = [];
  isGone = false;
  isPaused = false;
  readonly links: { up: Link; down: Link } = { up: 'open', down: 'open' };
  /** Share of messages that are lost, and of those that come twice. */
  readonly storm = { loss: 0, twice: 0 };
  /** Position of the newest fact that reached it. */
  reached = 0;
  readonly clock: Clock;
  /** Rings after so many milliseconds of its own clock, or later. */
  readonly timer: (ms: number, ring: () => void) => Happening;
  readonly #dying: (() => void)[] = [];

  constructor(name: string, start: number, schedule: Schedule, dice: Dice) {
    this.name = name;
    this.start = start;
    const offset = dice.between(0, 1e7); // P3
    const rate = 1 + dice.between(-DRIFT, DRIFT); // P3
    this.timer = (ms, ring) => schedule.at(schedule.now + Math.max(0, ms) / rate + (dice.happens(0.02) ? dice.between(0, 40) : dice.next()), ring, 'timer', this);
    this.clock = {
      now: () => offset + schedule.now * rate,
      wait: (ms, signal) => new Promise((resolve, reject) => {
        if (signal.aborted) { reject(signal.reason as Error); return; }
        const stop = (): void => { timer.isOff = true; reject(signal.reason as Error); };
        const timer = this.timer(ms, () => { signal.removeEventListener('abort', stop); resolve(); });
        signal.addEventListener('abort', stop, { once: true });
      }),
    };
  }

  get id(): string { return `${this.name}#${this.start}`; }

  /** Calls back at its end, whatever ended it. */
  onEnd(then: () => void): void { this.#dying.push(then); }

  end(): void {
    if (this.isGone) return;
    this.isGone = true; // P1
    for (const then of this.#dying) then();
  }
}
