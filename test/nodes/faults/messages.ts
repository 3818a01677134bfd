import type { Fault } from './fault.ts';

// What the relay of one node does with the messages of that node.

const relayed = (name: string, threatens: readonly string[], holdMs: number, what: string, told: Readonly<Record<string, unknown>>): Fault => ({
  name, threatens, needs: [],
  async inject({ lab, dice }) {
    lab.relay.tell(JSON.stringify({ ...told, seed: dice.below(2 ** 31) }));
    return { did: `${lab.relayed.name}: ${what}`, holdMs, async heal() { lab.relay.tell('{}'); } };
  },
});

export const messages: readonly Fault[] = [
  relayed('delay', ['I2', 'I3'], 20_000, 'every message up to 1.5 s late', { delayMs: 1_500 }),
  relayed('twice', ['I2', 'I5'], 25_000, 'every second message said twice', { twice: 0.5 }),
  relayed('late-and-twice', ['I2', 'I3'], 20_000, 'every third message said twice, up to 0.6 s late', { twice: 0.33, delayMs: 600 }),
  relayed('half-open', ['I2', 'I3'], 20_000, 'its connections carry nothing more and stay open', { quiet: true }),
];
