import { uncovered } from '../../domain/budget.ts';
import type { RunId } from '../../domain/ids.ts';
import { NO_COST, sessionId, type Cost, type SessionRow, type SpecialistStalled } from '../../domain/session.ts';
import type { Ports } from '../../ports.ts';
import { CheckProposal, EndSession, OpenSession, ReserveCall, SettleCall, StallSpecialist, WindUp } from '../../protocols/session.ts';
import { closedBy } from './decide.ts';
import type { Judge } from './judge.ts';
import type { Keeper } from './keeper.ts';

// Where the broker is asked by specialists that think with a model.
//
//   N1. What is asked twice is recorded once and answered alike: sessions by their client id, calls by their ordinals, endings by their session.
//   N2. A call is reserved, under the lock that everything is said under, only where the run's limits cover the most it may cost beside all that is
//       used and reserved. What was reserved once stays so: whoever asks again for a call that was settled is told to take the next.
//   N3. A check is the desk's own judgement, and leaves nothing behind but a recipe under its hash.
//   N4. A call that the limits refused, or a session for the sake of its first, is remembered until its specialist is granted one: by these it is known when nobody can think any more.
//   N5. One specialist has one session at a time: who opens another has lost what it knew of the last, and that is its ending.
//   N6. Nothing is answered by a fold that is older than the question: a broker that was just started has read less than whoever asks has heard.
//   N7. A call that was answered says that its specialist can think again, where an endpoint, a key or the run's limit kept it from that.
//   N8. No run stops with a session open: whoever has it is asked to end it, and what is open then is ended here, without its conversation.
//   N9. A session is its specialist's: to another, where who asks is known, there is none of that name.

/** How long a specialist may take to end its session before a run stops without hearing of it. */
const WIND_UP_MS = 5_000;

export interface Sessions extends AsyncDisposable {
  /** Who was refused a call by the run's limits, and what it might have cost. */
  readonly refused: ReadonlyMap<string, Cost>;
  /** Has every open session ended, for the run is about to stop. */
  windUp(): Promise<void>;
}

/** Serves sessions until disposed. */
export function openSessions({ bus, blobs }: Ports, keeper: Keeper, judge: Judge, options: { readonly run: RunId; readonly onThought: () => void }): Sessions {
  const { lineage } = keeper;
  const { sessions } = lineage;
  const ids = { run: options.run };
  const refused = new Map<string, Cost>();
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);

  const closed = (): { kind: 'closed'; reason: string } | null => {
    const reason = closedBy(lineage);
    return reason === null ? null : { kind: 'closed', reason };
  };
  const find = async (session: string, by: string | undefined): Promise<SessionRow | null> => {
    await keeper.upToDate(); // N6
    const row = sessions.rows.get(session);
    return row === undefined || (by !== undefined && row.opened.specialist !== by) ? null : row; // N9
  };
  const unknown = (session: string) => ({ kind: 'refused' as const, reason: `${session} is no session of yours in this run: open one first` });
  const refuse = (by: 'limit' | 'order' | 'session', reason: string) => ({ kind: 'refused' as const, by, reason });
  const opened = ({ session, opened: { specialist }, calls }: SessionRow) =>
    ({ kind: 'opened' as const, session, calls: Math.max(0, ...calls.keys()), spent: { ...lineage.thinkingBySpecialist.get(specialist) ?? NO_COST } });

  const done = { kind: 'done' as const };

  const open = (): SessionRow[] => [...sessions.open].flatMap((session) => sessions.rows.get(session) ?? []);
  async function endFor(row: SessionRow, ending: 'lost' | 'gave_up', reason: string): Promise<void> {
    const trials = [...lineage.trials.values()].flatMap(({ trial, proposal }) => (proposal.session === row.session ? [trial] : []));
    await keeper.say('session.ended', [row.session], { ending: ending === 'gave_up' && trials.length > 0 ? 'submitted' : ending, reason: reason.slice(0, 400), trials: trials.slice(-16), repairs: 0, transcript: null });
  }

  /** Says that a specialist stalled or, with null, recovered, where the journal does not say so already. */
  const stall = (specialist: string, stalled: SpecialistStalled | null, isDue: (now: SpecialistStalled | undefined) => boolean): Promise<void> => keeper.alone(async () => {
    await keeper.upToDate(); // N6
    while (isDue(sessions.stalled.get(specialist))) { // another broker may have taken the ordinal
      if (stalled === null) await keeper.say('specialist.recovered', [specialist, String((sessions.recoveries.get(specialist) ?? 0) + 1)], {});
      else await keeper.say('specialist.stalled', [specialist, String((sessions.stalls.get(specialist) ?? 0) + 1)], stalled);
    }
  });

  const served = [
    bus.serve(OpenSession, ids, async ({ prompt, worst, ...asked }) => {
      await keeper.upToDate();
      const earlier = (): SessionRow | undefined => sessions.rows.get(sessions.byClientId.get(asked.clientId) ?? ''); // N1
      const hash = earlier() || closed() ? '' : await blobs.put(text(prompt));
      return keeper.alone(async () => {
        const over = closed();
        const why = earlier() === undefined && over === null && worst !== undefined ? uncovered(lineage, worst) : null;
        if (why !== null && worst !== undefined) { // N4
          refused.set(asked.specialist, worst);
          return { ...refuse('limit', why), by: 'limit' as const };
        }
        if (earlier() === undefined && over === null) for (const row of open()) if (row.opened.specialist === asked.specialist) await endFor(row, 'lost', `${asked.specialist} began another and did not say how this one ended`); // N5
        for (let n = sessions.rows.size + 1; earlier() === undefined; n++) {
          if (over) return over;
          await keeper.say('session.opened', [sessionId(n)], { ...asked, prompt: hash });
        }
        options.onThought();
        const row = earlier();
        if (!row) throw new Error('a session that was found is gone');
        return opened(row);
      });
    }),
    bus.serve(ReserveCall, ids, async ({ session, call, tokens, money }, _, by) => {
      const row = await find(session, by);
      if (!row) return { ...unknown(session), by: 'session' };
      const { specialist } = row.opened;
      return keeper.alone(async () => {
        const known = row.calls.get(call);
        if (known) { // N1
          const isSame = known.reserved.tokens === tokens && known.reserved.money === money;
          return isSame && known.settled === null ? { kind: 'reserved' as const } : refuse('order', `call ${call} of ${session} was ${known.settled ? 'made' : 'reserved with other figures'}: the next is ${Math.max(...row.calls.keys()) + 1}`); // N2
        }
        const over = closed();
        if (over) return over;
        if (row.ended) return refuse('session', `${session} has ended: open another`);
        const why = uncovered(lineage, { tokens, money });
        if (why !== null) { // N4
          refused.set(specialist, { tokens, money });
          return refuse('limit', why);
        }
        refused.delete(specialist);
        options.onThought();
        const said = await keeper.say('call.reserved', [session, String(call)], { tokens, money });
        return said === 'recorded' ? { kind: 'reserved' as const } : refuse('order', `call ${call} of ${session} was reserved by somebody else: take the next`);
      });
    }),
    bus.serve(SettleCall, ids, async ({ session, call, ...settled }, _, by) => {
      const row = await find(session, by);
      if (!row) return unknown(session);
      if (!row.calls.has(call)) return { kind: 'refused' as const, reason: `call ${call} of ${session} was not reserved: reserve before calling` };
      if (!row.calls.get(call)?.settled) await keeper.say('call.settled', [session, String(call)], settled); // N1
      if (settled.ended === 'answered') await stall(row.opened.specialist, null, (now) => now !== undefined && (now.cause === 'endpoint' || now.cause === 'key' || now.cause === 'limit')); // N7
      options.onThought();
      return done;
    }),
    bus.serve(EndSession, ids, async ({ session, transcript, ...ended }, _, by) => {
      const row = await find(session, by);
      if (!row) return unknown(session);
      if (row.ended) return done; // N1
      const [stranger] = ended.trials.filter((trial) => lineage.trials.get(trial)?.proposal.session !== session);
      if (stranger !== undefined) return { kind: 'refused' as const, reason: `${stranger} did not come from ${session}` };
      await keeper.say('session.ended', [session], { ...ended, transcript: transcript === null ? null : await blobs.put(text(transcript)) });
      return done;
    }),
    bus.serve(StallSpecialist, ids, async ({ specialist, stalled }) => {
      await stall(specialist, stalled, (now) => (stalled === null ? now !== undefined : now?.cause !== stalled.cause || (stalled.cause !== 'limit' && now.reason !== stalled.reason))); // N1: what is left of a limit is another figure at every attempt
      return done;
    }),
    bus.serve(CheckProposal, ids, async ({ specialist, with: other, parent, patch }) => {
      await keeper.upToDate(); // as a proposal is judged by a fold no older than what its author had read
      const judged = await judge({ asOf: 0, specialist, parts: [], parent, patch }, other === null ? [specialist] : [specialist, other]); // N3
      return judged.kind === 'admitted' ? { kind: 'passes' } : judged;
    }),
  ];
  return {
    refused,
    async windUp() { // N8
      if (sessions.open.size === 0) return;
      const reason = closedBy(lineage) ?? '';
      await Promise.allSettled([...new Set(open().map(({ opened: { specialist } }) => specialist))].map((specialist) => bus.ask(WindUp, { run: options.run, specialist }, { reason }, { timeoutMs: WIND_UP_MS })));
      await keeper.upToDate();
      for (const row of open()) await endFor(row, 'gave_up', `the run stopped: ${reason}`);
    },
    async [Symbol.asyncDispose]() { await Promise.all(served.map((one) => one[Symbol.asyncDispose]())); },
  };
}
