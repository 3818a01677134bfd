import type { Daemon } from './daemon.ts';
import type { Dice } from './dice.ts';
import type { Schedule } from './schedule.ts';

// What lies between each daemon and the server.
//
//   W1. On one lane of a connection nothing overtakes: what one daemon sends, and what it is sent by one subscription, comes in order. Between lanes anything may.
//   W2. A message may be lost, or come twice. What the journal delivers is neither: a reader that lost its connection is served from where it stood, later.
//   W3. A stalled link delivers what it holds when it is open again; a cut one loses messages.
//   W4. What a daemon had sent before it died arrives all the same; of what waited in its socket the first part does, later.

type Way = 'up' | 'down';
interface Held { readonly lane: string; readonly deliver: () => void }

/** What became of messages; overtaken is what was sent before something of its connection, that way, that arrived first. */
export interface Traffic { arrived: number; lost: number; twice: number; overtaken: number }

export class Network {
  readonly traffic: Traffic = { arrived: 0, lost: 0, twice: 0, overtaken: 0 };
  /** Share of deliveries that take long although nothing is broken. */
  spikes = 0;
  readonly #schedule: Schedule;
  readonly #dice: Dice;
  readonly #lanes = new Map<Daemon, Map<string, number>>();
  readonly #held = new Map<Daemon, Record<Way, Held[]>>();
  readonly #newest = new Map<Daemon, Record<Way, number>>();
  #sent = 0;

  constructor(schedule: Schedule, dice: Dice) {
    this.#schedule = schedule;
    this.#dice = dice;
  }

  /** Something that may be lost or doubled on its way (W2). */
  message(daemon: Daemon, way: Way, lane: string, deliver: () => void, mayDouble = true): void {
    if (daemon.links[way] === 'cut' || this.#dice.happens(daemon.storm.loss)) { this.traffic.lost += 1; return; }
    this.surely(daemon, way, lane, deliver);
    if (!mayDouble || !this.#dice.happens(daemon.storm.twice)) return;
    this.traffic.twice += 1;
    this.surely(daemon, way, lane, deliver);
  }

  /** Something that arrives as soon as the link lets it. */
  surely(daemon: Daemon, way: Way, lane: string, doing: () => void): void {
    const order = this.#sent++;
    const newest = this.#newest.get(daemon) ?? { up: -1, down: -1 };
    this.#newest.set(daemon, newest);
    this.#send(daemon, way, lane, () => {
      this.traffic.arrived += 1;
      if (order < newest[way]) this.traffic.overtaken += 1;
      newest[way] = Math.max(newest[way], order);
      doing();
    });
  }

  #send(daemon: Daemon, way: Way, lane: string, deliver: () => void): void {
    if (daemon.isGone) return;
    if (daemon.links[way] !== 'open') { this.#heldBy(daemon)[way].push({ lane, deliver }); return; } // W3
    const lanes = this.#lanes.get(daemon) ?? new Map<string, number>();
    this.#lanes.set(daemon, lanes);
    const key = way === 'up' ? 'up' : lane; // W1
    const arrives = Math.max(this.#schedule.now + this.#delay(), lanes.get(key) ?? 0);
    lanes.set(key, arrives);
    if (way === 'up') this.#schedule.at(arrives, deliver); // W4
    else this.#schedule.at(arrives, deliver, 'message', daemon);
  }

  /** Changes both ways of a daemon's connection; what was held goes on its way where one is open again. */
  link(daemon: Daemon, links: Daemon['links']): void {
    Object.assign(daemon.links, links);
    const held = this.#heldBy(daemon);
    for (const way of ['up', 'down'] as const) if (links[way] === 'open') for (const { lane, deliver } of held[way].splice(0)) this.#send(daemon, way, lane, deliver);
  }

  #heldBy(daemon: Daemon): Record<Way, Held[]> {
    const known = this.#held.get(daemon);
    if (known !== undefined) return known;
    const held: Record<Way, Held[]> = { up: [], down: [] };
    this.#held.set(daemon, held);
    daemon.onEnd(() => { // W4
      const arrives = this.#schedule.now + this.#dice.between(0, 5_000);
      for (const { deliver } of held.up.splice(0, this.#dice.whole(0, held.up.length))) this.#schedule.at(arrives, deliver);
    });
    return held;
  }

  #delay(): number {
    const usual = 0.2 + 3 * this.#dice.next() ** 2;
    return this.#dice.happens(this.spikes) ? usual + this.#dice.pick([20, 100, 400, 1500]) * this.#dice.next() : usual;
  }
}
