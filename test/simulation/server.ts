import type { Fact, Word } from '../../src/domain/fact.ts';
import type { RunId } from '../../src/domain/ids.ts';
import { factSubject } from '../../src/protocols/facts.ts';
import type { Daemon } from './daemon.ts';
import type { Dice } from './dice.ts';
import type { Network } from './network.ts';
import type { Schedule } from './schedule.ts';

// The one server of the world: it keeps the journal, passes commands on and spreads telemetry. It neither fails nor forgets.
//
//   J1. One subject, one fact: the second writer is told no.
//   J2. A reader is sent every position once and in order.
//   J3. One of several servers of a command is asked, by luck, as a queue group does, unless they serve it each. Whoever died is asked no more once that was noticed.

export type Stored = { readonly kind: 'recorded'; readonly seq: number } | { readonly kind: 'taken' };

/** What hears of a fact at the moment it is stored. */
export type Watch = (fact: Fact, by: Daemon) => void;

interface Service { readonly daemon: Daemon; readonly filter: readonly string[]; readonly isGroup: boolean; readonly serve: (subject: string, text: string, reply: (answer: Answer) => void) => void }
interface Listener { readonly daemon: Daemon; readonly filter: readonly string[]; readonly hear: (subject: string, body: unknown) => void }
export type Answer = { readonly answer: unknown } | { readonly refusal: string };

export class Server {
  readonly facts: Fact[] = [];
  readonly blobs = new Map<string, Uint8Array>();
  readonly run: RunId;
  readonly watches: Watch[] = [];
  /** Sees what is about to be stored; unless null something befalls its writer first, and it is stored so much later, or lost. */
  guard: (word: Word, by: Daemon) => number | 'lost' | null = () => null;
  readonly #schedule: Schedule;
  readonly #network: Network;
  readonly #dice: Dice;
  readonly #epoch: number;
  readonly #texts = new Map<string, { readonly text: string; readonly seq: number }>();
  readonly #followers = new Set<{ readonly daemon: Daemon; readonly lane: string; readonly arrive: (seq: number) => void }>();
  readonly #services = new Set<Service>();
  readonly #listeners = new Set<Listener>();
  #lanes = 0;

  constructor(run: RunId, schedule: Schedule, network: Network, dice: Dice) {
    this.run = run;
    this.#schedule = schedule;
    this.#network = network;
    this.#dice = dice;
    this.#epoch = 1_700_000_000_000;
  }

  /** Stores a fact, or says that its subject is taken (J1); null when something befell its writer at this very moment. */
  store(word: Word, ids: readonly string[], body: unknown, text: string, by: Daemon): Stored | null {
    const subject = factSubject(this.run, word, ids);
    if (this.#texts.has(subject)) return { kind: 'taken' };
    const instead = this.guard(word, by);
    if (typeof instead === 'number') this.#schedule.at(this.#schedule.now + instead, () => { this.store(word, ids, body, text, by); });
    if (instead !== null) return null;
    const seq = this.facts.length + 1;
    const fact = freeze({ word, ids, body, seq, at: this.#epoch + Math.floor(this.#schedule.now) } as unknown as Fact);
    this.facts.push(fact);
    this.#texts.set(subject, { text, seq });
    for (const { daemon, lane, arrive } of this.#followers) this.#network.surely(daemon, 'down', lane, () => arrive(seq)); // J2
    for (const watch of this.watches) watch(fact, by);
    return { kind: 'recorded', seq };
  }

  /** What is stored under a fact's subject. */
  stored(word: Word, ids: readonly string[]): { readonly text: string; readonly seq: number } | null {
    return this.#texts.get(factSubject(this.run, word, ids)) ?? null;
  }

  /** Sends a reader all there is, then what comes. */
  follow(daemon: Daemon, arrive: (seq: number) => void): { stop(): void } {
    const follower = { daemon, lane: this.lane('journal'), arrive };
    this.#followers.add(follower);
    daemon.onEnd(() => { this.#followers.delete(follower); });
    const position = this.facts.length;
    if (position > 0) this.#network.surely(daemon, 'down', follower.lane, () => arrive(position));
    return { stop: () => { this.#followers.delete(follower); } };
  }

  /** A name for a lane of its own. */
  lane(kind: string): string { return `${kind}${this.#lanes++}`; }

  serve(daemon: Daemon, filter: string, isGroup: boolean, serve: Service['serve']): { stop(): void } { return this.#enrol(this.#services, { daemon, filter: filter.split('.'), isGroup, serve }); }
  listen(daemon: Daemon, filter: string, hear: Listener['hear']): { stop(): void } { return this.#enrol(this.#listeners, { daemon, filter: filter.split('.'), hear }); }

  /** Passes a command to who serves it; false when nobody does (J3). */
  ask(subject: string, text: string, lane: string, reply: (answer: Answer) => void): boolean {
    const able = [...this.#services].filter(({ filter }) => matches(filter, subject));
    const [first, ...others] = able.filter(({ isGroup }) => isGroup);
    const chosen = [...first === undefined ? [] : [this.#dice.pick([first, ...others])], ...able.filter(({ isGroup }) => !isGroup)];
    for (const { daemon, serve } of chosen) this.#network.message(daemon, 'down', lane, () => serve(subject, text, (answer) => this.#network.message(daemon, 'up', lane, () => reply(answer), false)));
    return chosen.length > 0;
  }

  hasListener(subject: string): boolean { return [...this.#listeners].some(({ filter }) => matches(filter, subject)); }

  tell(subject: string, body: unknown): void {
    for (const { daemon, filter, hear } of this.#listeners) if (matches(filter, subject)) this.#network.message(daemon, 'down', 'telemetry', () => hear(subject, body));
  }

  #enrol<T extends { readonly daemon: Daemon }>(into: Set<T>, one: T): { stop(): void } {
    into.add(one);
    one.daemon.onEnd(() => { // J3
      if (this.#dice.happens(0.8)) into.delete(one);
      else this.#schedule.at(this.#schedule.now + this.#dice.between(0, 3000), () => { into.delete(one); });
    });
    return { stop: () => { into.delete(one); } };
  }
}

function matches(filter: readonly string[], subject: string): boolean {
  const tokens = subject.split('.');
  return filter.length === tokens.length && filter.every((token, i) => token === '*' || token === tokens[i]);
}

/** Makes a value that many read unchangeable. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const held of Object.values(value)) freeze(held);
  return Object.freeze(value);
}
