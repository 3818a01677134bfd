import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { NamedActorState } from '../../src/protocols/actor.ts';
import type { Daemon } from './daemons.ts';
import type { Scene } from './faults/index.ts';
import type { Lab } from './lab.ts';

// What actors say of themselves, and who of the two brokers it is that decides.

/** What an actor of the run answers about itself; null when patience ends before it does. */
export async function askActor(lab: Lab, actor: string, name: string, patienceMs: number, suits: (context: Readonly<Record<string, unknown>>) => boolean = () => true): Promise<{ readonly pid: number } | null> {
  await using operator = await lab.session('operator');
  for (const until = performance.now() + patienceMs; ;) {
    const said = await operator.bus.ask(NamedActorState, { actor, run: lab.run, name }, {}, { timeoutMs: 2_000 }).catch(() => null);
    if (said !== null && suits(said.context)) return said;
    if (performance.now() > until) return null;
    await sleep(500);
  }
}

/** The broker that decides now: it answers by its process number, which its host counts by itself. */
export async function inOffice(lab: Lab): Promise<Daemon> {
  for (let tries = 0; tries < 30; tries++) {
    const said = await askActor(lab, 'broker', 'main', 2_000);
    for (const broker of said === null ? [] : lab.brokers) {
      const status = await readFile(`/proc/${broker.pid()}/status`, 'utf8').catch(() => '');
      if (/^NSpid:.*\s(\d+)$/m.exec(status)?.[1] === String(said?.pid)) return broker;
    }
    await sleep(500);
  }
  throw new Error('neither broker says that it decides');
}

/** Whether another broker took the run over since; a sentence when none did. */
export async function successor({ watch, patienceMs }: Scene, from: number): Promise<string | null> {
  const took = await watch.until((fact) => fact.word === 'broker.took', { after: from, patienceMs });
  return took === null ? `nobody took over from the broker for ${Math.round(patienceMs / 1000)} s` : null;
}

/** Whether the keeper has read the journal that far, and still writes its copy; a sentence when not. */
export async function keptUpTo(lab: Lab, position: number, patienceMs: number): Promise<string | null> {
  const said = await askActor(lab, 'lineage', 'main', patienceMs, ({ applied, copy }) => typeof applied === 'number' && applied >= position && copy === 'kept');
  return said === null ? `${lab.keeper.name} does not say that it keeps the journal up to ${position}, ${Math.round(patienceMs / 1000)} s after` : null;
}
