import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { NamedActorState } from '../../src/protocols/actor.ts';
import type { Daemon } from './daemons.ts';
import type { Lab } from './lab.ts';

/** The broker that decides now: it answers by its process number, which its host counts by itself. */
export async function inOffice(lab: Lab): Promise<Daemon> {
  await using operator = await lab.session('operator');
  for (let tries = 0; tries < 30; tries++) {
    const said = await operator.bus.ask(NamedActorState, { actor: 'broker', run: lab.run, name: 'main' }, {}, { timeoutMs: 2_000 }).catch(() => null);
    for (const broker of said === null ? [] : lab.brokers) {
      const status = await readFile(`/proc/${broker.pid()}/status`, 'utf8').catch(() => '');
      if (/^NSpid:.*\s(\d+)$/m.exec(status)?.[1] === String(said?.pid)) return broker;
    }
    await sleep(500);
  }
  throw new Error('nobody says that it decides');
}
