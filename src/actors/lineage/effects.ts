import { createActor } from 'xstate';
import { renderFeedback } from '../../domain/feedback.ts';
import type { Fact } from '../../domain/fact.ts';
import type { RunId } from '../../domain/ids.ts';
import type { Lineage, Verify } from '../../domain/lineage.ts';
import type { Brief, Claim } from '../../domain/surface.ts';
import { JournalDamaged, type Copies, type FactStore, type Ports } from '../../ports.ts';
import { ReadDraft, ReadFeedback, ReadRecipe, ReadRows, ReadRules, ReadStaff } from '../../protocols/lineage.ts';
import { bareRow, bestAt, draftFor, mayRead, rowsBetween, staffOf } from './decide.ts';
import { judgeCopy, openKeeper } from './keeper.ts';
import { lineageMachine } from './machine.ts';
import { scrub, tellDamage } from './scrub.ts';

// The lineage keeper at work: fold the journal, keep a copy of it, answer what is known.
//
//   L1. The copy on disk never decides an answer: what is told comes from the fold.
//   L2. A copy that cannot be written any more is given up, not the run.

/** Facts that go into the copy in one transaction while catching up. */
const BATCH = 1_000;

export interface LineageNeeds {
  readonly store: FactStore;
  readonly verify: Verify;
  readonly briefs?: readonly Brief[];
  readonly claims?: readonly Claim[];
  /** What every server holds of the journal; null where there is no server. */
  readonly copies?: Copies | null;
  /** How long lies between two readings of all of them. */
  readonly scrubMs?: number;
}

/** Keeps one run's lineage until aborted; resolves once everything the journal held at the start was read. `done` rejects when it cannot go on. */
export async function startLineage(ports: Ports, { store, verify, briefs = [], claims = [], copies = null, scrubMs }: LineageNeeds, { run, signal }: { readonly run: RunId; readonly signal: AbortSignal }): Promise<{ readonly lineage: Lineage; readonly done: Promise<void> } & AsyncDisposable> {
  const { journal, bus, blobs, clock, presence } = ports;
  let copyState = 'kept';
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  const keeper = openKeeper({ run, verify, clock, facts: (upTo) => (store.position().applied >= upTo ? store.read(0, upTo) : journal.follow({ after: 0, until: upTo, signal: ended })) });
  const { lineage, timeline } = keeper;
  const chart = createActor(lineageMachine);
  const seen = presence.announce({
    actor: 'lineage', name: 'main', run,
    read: () => ({
      state: String(chart.getSnapshot().value), why: describe(chart.getSnapshot().context, keeper.passed()),
      context: { applied: lineage.applied, trials: lineage.trials.size, superseded: lineage.superseded, odd: lineage.odd, unreadable: chart.getSnapshot().context.unreadable, copy: copyState, chain: store.position().chain.slice(0, 12) },
    }),
  });
  chart.subscribe({ error: (error) => presence.log('error', 'the lineage chart failed', { error: String(error) }) });
  chart.start();
  if (store.notice !== null) presence.log('warn', store.notice);

  const { worth, position } = await judgeCopy(store, journal, ended);
  chart.send({ type: 'copy.judged', worth, target: position });
  seen.changed();
  if (worth.kind === 'ahead') {
    chart.send({ type: 'journal.failed', reason: worth.why });
    await seen[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    throw new JournalDamaged(run, `${worth.why} (if an older backup was put back on purpose, move lineage.lmdb out of the run's folder)`);
  }
  if (worth.kind === 'useless') {
    presence.log('warn', `the copy of the facts is put aside: ${worth.why}`);
    store.clear();
  }
  for (const fact of store.read(0, store.position().applied)) keeper.take(fact);

  let pending: Fact[] = [];
  const keep = (): void => {
    if (pending.length === 0) return;
    const batch = pending;
    pending = [];
    if (copyState !== 'kept') return;
    try {
      store.apply(batch);
    } catch (error) { // L2
      copyState = 'given up';
      presence.log('error', 'the copy of the facts cannot be written and is given up', { error: String(error) });
    }
  };
  let caughtUp = (): void => {};
  const isCaughtUp = new Promise<void>((resolve) => { caughtUp = resolve; });
  const advance = (): void => {
    if (stop.signal.aborted) return;
    chart.send({ type: 'facts.applied', applied: keeper.passed() });
    if (chart.getSnapshot().matches('following')) caughtUp();
  };
  if (keeper.passed() >= position) advance();

  let flushing = false;
  const follow = async (): Promise<void> => {
    const onUnreadable = ({ seq, subject, reason }: { seq: number; subject: string; reason: string }): void => {
      presence.log('warn', 'a journal message was passed over', { seq, subject, reason });
      chart.send({ type: 'fact.unreadable' });
      keeper.pass(seq);
      if (keeper.passed() >= position) advance();
    };
    for await (const fact of journal.follow({ after: lineage.applied, signal: ended, onUnreadable })) {
      keeper.take(fact);
      pending.push(fact);
      if (fact.seq < position) { if (pending.length >= BATCH) { keep(); advance(); } continue; }
      if (flushing) continue;
      flushing = true;
      void clock.wait(0, ended).catch(() => undefined).then(() => { flushing = false; keep(); advance(); seen.changed(); }); // facts that arrive together are kept together
    }
  };
  const following = follow().catch((error: unknown) => {
    if (chart.getSnapshot().status === 'active') chart.send({ type: 'journal.failed', reason: error instanceof Error ? error.message : String(error) });
    seen.changed();
    throw error;
  });
  following.catch(() => {});
  const served = serve();
  let told: string | null = null;
  const tell = (damage: string | null): void => { // loud when it changes; its state says it all the while
    if (damage !== null && damage !== told) presence.log('error', damage);
    if (damage === null && told !== null) presence.log('info', 'every copy of the journal is whole again');
    told = damage;
    chart.send({ type: 'copies.compared', damage });
    seen.changed();
  };
  const scrubbing = copies === null ? null : scrub({
    copies, store, clock, signal: ended, ...(scrubMs === undefined ? {} : { roundMs: scrubMs }),
    onRound: (damage, servers) => tell(damage.size === 0 ? null : tellDamage(run, damage, servers)),
    onTrouble: (error) => presence.log('warn', 'the copies of the journal cannot be compared now', { error: String(error) }),
  });
  const done = Promise.race([following, ...(scrubbing === null ? [] : [scrubbing.then(() => following)])]).finally(keep);
  done.catch(() => {});

  function serve(): readonly AsyncDisposable[] {
    const ids = { run };
    const ready = async (asOf: number | null): Promise<void> => {
      await isCaughtUp;
      if (asOf !== null && asOf > keeper.passed()) await keeper.reached(asOf, ended);
    };
    const isBare = (): boolean => lineage.started?.arm.lineage === false;
    /** What an answer is about; without lineage always now. */
    const moment = (asOf: number | null): number => (isBare() ? keeper.passed() : asOf ?? keeper.passed());
    return [
      bus.serve(ReadFeedback, ids, async ({ specialist, asOf }) => {
        await ready(asOf);
        keep();
        const at = moment(asOf);
        const then = at >= lineage.applied ? lineage : await keeper.at(at);
        return { asOf: at, text: renderFeedback(then, { specialist, brief: briefs.find((each) => each.specialist === specialist) ?? null, claims }) };
      }),
      bus.serve(ReadRows, ids, async ({ after, asOf, limit }) => {
        await ready(asOf);
        const at = moment(asOf);
        const best = bestAt(lineage, timeline, at);
        const told = best === null ? null : { trial: best.trial, score: best.score, snapshot: best.snapshot };
        if (isBare()) return { asOf: at, rows: best !== null && best.seq > after ? [bareRow(lineage, best)] : [], more: false, best: told, noise: null };
        const noise = timeline.calibrated !== null && timeline.calibrated <= at ? lineage.calibration?.sd ?? null : null;
        return { asOf: at, ...rowsBetween(lineage, timeline, { after, asOf: at, limit }), best: told, noise, ...(lineage.started === null ? {} : { keep: lineage.started.keep }) };
      }),
      bus.serve(ReadDraft, ids, async ({ joint, by }) => {
        await isCaughtUp;
        return { draft: isBare() ? null : draftFor(lineage, joint, by) };
      }),
      bus.serve(ReadRules, ids, async () => {
        await isCaughtUp;
        const { started } = lineage;
        return { rules: started && { keep: started.keep, ownership: started.arm.ownership, lineage: started.arm.lineage } };
      }),
      bus.serve(ReadStaff, ids, async () => {
        await isCaughtUp;
        return { staff: staffOf(lineage) };
      }),
      bus.serve(ReadRecipe, ids, async ({ snapshot }) => {
        await isCaughtUp;
        if (!mayRead(lineage, snapshot)) return { recipe: null };
        const bytes = await blobs.get(snapshot);
        return { recipe: bytes === null ? null : JSON.parse(new TextDecoder().decode(bytes)) as Record<string, string> };
      }),
    ];
  }

  await Promise.race([isCaughtUp, done]);
  seen.changed();
  return {
    lineage,
    done,
    async [Symbol.asyncDispose]() {
      if (stop.signal.aborted) return;
      stop.abort();
      await Promise.all(served.map((each) => each[Symbol.asyncDispose]()));
      await Promise.allSettled([done, scrubbing]);
      if (chart.getSnapshot().status === 'active') chart.send({ type: 'keeper.closed' });
      chart.stop();
      await seen[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

const describe = ({ target, damage }: { readonly target: number; readonly damage: string | null }, passed: number): string =>
  (passed < target ? `reading the journal: ${passed} of ${target}` : damage ?? `the next fact; ${passed} read`);
