import { Option } from 'commander';
import { Mistake } from './mistake.ts';

/** `--nats` of every command that takes it; BRIGADE_NATS_URL says the same, as it does to set-up. */
export const natsOption = (says: string): Option => new Option('--nats <url>', says).env('BRIGADE_NATS_URL').argParser(plainAddress);

/** `--keys` of every command that takes `--nats`. */
export const keysOption = (): Option => new Option('--keys <dir>', 'folder with <role>.nk key files for that server');

/** An address may stand in a run's folder and on any line; a password may not. */
export function plainAddress(url: string): string | undefined {
  if (url.includes('@')) throw new Mistake(`--nats takes an address alone, without the user or password before ${url.slice(url.lastIndexOf('@') + 1)}: give the run's keys by --keys DIR`);
  return url === '' ? undefined : url;
}
