import { createActor } from 'xstate';
import type { RunId } from '../../domain/ids.ts';
import type { Ports } from '../../ports.ts';
import { openKeeper } from './keeper.ts';
import { brokerMachine } from './machine.ts';
import { openOffice, type BrokerNeeds, type Office } from './office.ts';
import { openPool, type Pool } from './pool.ts';
import { fenced, LEAVING, openTerm } from './term.ts';

// The broker at work: fold the journal, stand by until the run needs it, decide until it is replaced, stand by again.

export interface BrokerOptions {
  readonly run: RunId;
  readonly signal: AbortSignal;
  /** Slots that it shares with the other runs of this process; its own unless given. */
  readonly pool?: Pool;
  /** New at every start; made here unless given. */
  readonly boot?: string;
  /** What it is called while it stands by. */
  readonly name?: string;
}

/** Runs the broker of one run until aborted; resolves once it decides, or stands by because another does. `done` rejects when it cannot go on. */
export async function startBroker(outside: Ports, needs: BrokerNeeds, { run, signal, pool = openPool(), boot = crypto.randomUUID(), name = `broker-${boot.slice(0, 8)}` }: BrokerOptions): Promise<{ readonly done: Promise<void> } & AsyncDisposable> {
  const { presence } = outside;
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  const term = openTerm(outside, () => keeper, { run, name, boot });
  const ports: Ports = { ...outside, journal: fenced(outside.journal, term.isHeld) };
  const keeper = openKeeper(run, ports.journal, needs.verify);
  const { lineage } = keeper;
  let office: Office | null = null;
  let isLeaving = false;
  let lose = (): void => undefined;

  const chart = createActor(brokerMachine);
  let seen: { readonly as: string; readonly announced: ReturnType<typeof presence.announce> } | null = null;
  const beSeenAs = async (as: string): Promise<void> => {
    if (seen?.as === as) return;
    const before = seen;
    seen = { as, announced: presence.announce({ actor: 'broker', name: as, run, read: () => (isLeaving ? { ...standing(), state: LEAVING, why: 'it was told to end' } : office === null ? standing() : office.describe(String(chart.getSnapshot().value))) }) };
    await before?.announced[Symbol.asyncDispose]();
  };
  const standing = () => ({
    state: 'standby', why: lineage.started === null ? 'the run has not started' : lineage.stopped !== null ? `the run has stopped: ${lineage.stopped}` : `another broker has term ${lineage.term}: it is followed when it falls silent`,
    context: { term: lineage.term, applied: lineage.applied },
  });
  chart.subscribe({ next: () => seen?.announced.changed(), error: (error) => presence.log('error', 'the broker chart failed', { error: String(error) }) });
  chart.start();

  const following = keeper.follow((fact) => {
    office?.onFact(fact);
    if (fact.word === 'broker.took' && !term.isHeld()) lose();
  }, ({ seq, subject, reason }) => presence.log('warn', 'a journal message was passed over', { seq, subject, reason }), ended);

  let settle = (): void => undefined;
  const settled = new Promise<void>((resolve) => { settle = resolve; });

  async function serve(): Promise<void> {
    while (!ended.aborted) {
      await term.take(async (as) => { await beSeenAs(as); if (as === name) settle(); }, ended);
      const over = new AbortController();
      lose = () => over.abort(new Error('another broker took the next term'));
      chart.send({ type: 'term.taken' });
      office = openOffice(ports, needs, keeper, { run, term, pool, signal: AbortSignal.any([ended, over.signal]), onStage: (stage) => chart.send({ type: 'lineage.advanced', stage }) });
      if (lineage.term > 1) presence.log('info', 'took over', { term: lineage.term });
      settle();
      if (!term.isHeld()) lose();
      try { await office.done; } finally {
        const closing = office;
        office = null;
        await closing[Symbol.asyncDispose]();
      }
      if (ended.aborted) return;
      chart.send({ type: 'term.lost' });
      await beSeenAs(name);
      presence.log('warn', 'another broker took over, and this one stands by', { term: lineage.term });
    }
  }

  const done = Promise.all([serve(), following.then(() => { if (!ended.aborted) throw new Error('the journal ended while the broker was following it'); })]).then(() => undefined, (error: unknown) => {
    if (!ended.aborted) throw error;
  });
  const close = async (): Promise<void> => {
    isLeaving = true;
    seen?.announced.changed(); // whoever stands by need not wait until it falls silent
    stop.abort();
    await office?.[Symbol.asyncDispose]();
    await done.catch(() => undefined);
    await seen?.announced[Symbol.asyncDispose]();
    chart.stop();
  };
  await Promise.race([settled, done.catch(async (error: unknown) => { await close(); throw error; })]);
  return { done, [Symbol.asyncDispose]: close };
}
