import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { logOf, type Daemon } from '../daemons.ts';
import type { Counts, Told } from '../relay.ts';
import { atWork } from '../work.ts';
import type { Fault } from './fault.ts';

// What the relay of one node does with the messages of that node.

const ANSWER_MS = 15_000;
const AS_THEY_ARE: Told = { delayMs: 0, twice: 0, quiet: false };

/** Tells the relay something, or nothing, and waits for what it has done so far; throws when it does not answer. */
async function ask(relay: Daemon, what: Told = {}): Promise<Counts> {
  const id = randomUUID();
  await relay.up();
  relay.tell(JSON.stringify({ id, ...what }));
  for (const until = performance.now() + ANSWER_MS; performance.now() < until; await sleep(50)) {
    const answer = (await readFile(logOf(relay.host, relay.name), 'utf8')).split('\n').find((line) => line.includes(id));
    if (answer !== undefined) return JSON.parse(answer) as Counts;
  }
  throw new Error(`the relay says nothing for ${ANSWER_MS / 1000} s`);
}

const relayed = (name: string, threatens: readonly string[], holdMs: number, says: string, told: Told, shows: readonly (keyof Counts)[]): Fault => ({
  name, threatens, needs: [],
  async inject(scene) {
    const { relay, relayed: node } = scene.lab;
    await atWork(scene, [node]);
    const before = await ask(relay);
    relay.tell(JSON.stringify({ ...told, seed: scene.dice.below(2 ** 31) }));
    return {
      did: `${node.name}: ${says}`, holdMs,
      async missed() {
        const after = await ask(relay);
        const not = shows.find((what) => after[what] <= before[what]);
        return not === undefined ? null : `the relay counts no message ${not}`;
      },
      async heal() { await ask(relay, AS_THEY_ARE); },
    };
  },
});

export const messages: readonly Fault[] = [
  relayed('delay', ['I2', 'I3'], 20_000, 'every message up to 1.5 s late', { delayMs: 1_500 }, ['delayed']),
  relayed('twice', ['I2', 'I5'], 25_000, 'every second message said twice', { twice: 0.5 }, ['twice']),
  relayed('late-and-twice', ['I2', 'I3'], 20_000, 'every third message said twice, up to 0.6 s late', { twice: 0.33, delayMs: 600 }, ['twice', 'delayed']),
  relayed('half-open', ['I2', 'I3'], 20_000, 'its connections carry nothing more and stay open', { quiet: true }, ['swallowed']),
];
