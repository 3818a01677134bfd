import type { RunId } from '../../domain/ids.ts';
import { jointId, STALLS } from '../../domain/session.ts';
import { isOpen, type JointRow } from '../../domain/sessions.ts';
import type { Lineage } from '../../domain/lineage.ts';
import type { Ports } from '../../ports.ts';
import { DeclineJoint, OfferHandoff, OfferJoint } from '../../protocols/session.ts';
import { closedBy } from './decide.ts';
import type { Judge } from './judge.ts';
import type { Keeper } from './keeper.ts';

// Where specialists turn to one another: hints to the owner of another partition, and drafts that need two owners.
//
//   O1. What is asked twice is recorded once: a hint by its id, which is its client id, a draft by its client id, a refusal by its draft.
//   O2. A draft is judged as the trial of both would be, and only what its drafter could not propose alone is one.
//   O3. A draft is answered once: by a trial that carries it out, which the desk admits, or by its owner's no.
//   O4. In an arm without lineage nobody reads what another thought, so nothing is offered.
//   O5. Few drafts of one specialist wait at a time, and no hint is given twice: what waits is read by others, who have little room.
//   O6. A draft does not wait for ever: it counts as declined when its owner cannot think any more, or has ended several sessions without a word about it.

/** Drafts of one specialist that may be open at once. */
const OPEN_DRAFTS = 3;
/** Sessions that an owner may end without a word about a draft that it was told of. */
const SESSIONS_WITHOUT_A_WORD = 3;
/** Keeps the id of a hint apart from one that grew from a refused trial, and within what a subject's token may hold. */
const hintId = (clientId: string): string => `i-${clientId}`.slice(0, 64);

/** Drafts, and which of them are answered for their owners because these will not. */
export interface Drafts extends AsyncDisposable {
  /** What is being said for them now, each answer once; empty when none is due. */
  answerOverdue(): Promise<unknown>[];
}

/** Serves hints and drafts until disposed. */
export function openDrafts({ bus }: Ports, keeper: Keeper, judge: Judge, options: { readonly run: RunId }): Drafts {
  const { lineage } = keeper;
  const { joints, jointByClientId } = lineage.sessions;
  const ids = { run: options.run };
  const refuse = (reason: string) => ({ kind: 'refused' as const, reason });

  /** Why nothing passes between these two; null where it may. */
  const apart = (from: string, to: string): string | null => {
    if (lineage.started?.arm.lineage === false) return 'in an arm without lineage nothing is offered: nobody would read it'; // O4
    if (from === to) return `${to} is yourself: propose it`;
    const gone = goneFor(lineage, to);
    if (gone !== null) return gone; // O6
    return lineage.started?.roster.includes(to) === true ? null : `nobody here is called ${to}: name one of ${lineage.started?.roster.filter((each) => each !== from).slice(0, 12).join(', ') ?? 'the roster'}`;
  };

  const served = [
    bus.serve(OfferHandoff, ids, ({ clientId, ...hint }) => keeper.alone(async () => {
      await keeper.upToDate();
      const id = hintId(clientId);
      const offered = { kind: 'offered' as const, handoff: id };
      if (lineage.handoffs.some((each) => each.id === id)) return offered; // O1
      const why = apart(hint.from, hint.to);
      if (why !== null) return refuse(why);
      const over = closedBy(lineage);
      if (over !== null) return refuse(over);
      if (lineage.handoffs.some((each) => each.from === hint.from && each.to === hint.to && each.hint === hint.hint)) return refuse(`${hint.to} was told this already`); // O5
      await keeper.say('handoff.offered', [id], { ...hint, trial: null });
      return offered;
    })),
    bus.serve(OfferJoint, ids, async (draft) => {
      const { clientId, from, to, parent, patch } = draft;
      await keeper.upToDate();
      const earlier = () => { const joint = jointByClientId.get(clientId); return joint === undefined ? null : { kind: 'offered' as const, joint }; }; // O1
      const known = earlier();
      if (known) return known;
      const why = apart(from, to);
      if (why !== null) return refuse(why);
      const asking = { asOf: 0, specialist: from, parts: [], parent, patch };
      const judged = await judge(asking, [from, to]); // O2
      if (judged.kind === 'rejected') return judged;
      if ((await judge(asking, [from])).kind === 'admitted') return refuse(`${to} need not consent to this: propose it as your own trial`); // O2
      return keeper.alone(async () => {
        const open = [...joints.values()].filter((row) => row.offered.from === from && isOpen(row));
        const over = closedBy(lineage);
        if (earlier() === null && over !== null) return { kind: 'closed' as const, reason: over };
        if (earlier() === null && open.length >= OPEN_DRAFTS) return refuse(`${open.map(({ joint }) => joint).join(', ')} of yours wait for an answer: wait for one`); // O5
        for (let n = joints.size + 1; earlier() === null; n++) await keeper.say('joint.offered', [jointId(n)], draft);
        return earlier() ?? refuse('the draft that was offered is gone');
      });
    }),
    bus.serve(DeclineJoint, ids, ({ joint, by, reason }) => keeper.alone(async () => {
      await keeper.upToDate();
      const row = joints.get(joint);
      if (!row || row.offered.to !== by) return refuse(`${joint} is no draft that waits for ${by}`);
      if (row.answered?.answer === 'declined') return { kind: 'done' as const }; // O1
      if (!isOpen(row)) return refuse(`${joint} was accepted: ${row.trial ?? 'a trial'} carries it out`); // O3
      await keeper.say('joint.answered', [joint], { by, answer: 'declined', reason, trial: null });
      return { kind: 'done' as const };
    })),
  ];
  return {
    answerOverdue: () => [...joints.values()].flatMap((row) => {
      const reason = isOpen(row) ? overdue(lineage, row) : null;
      return reason === null ? [] : [keeper.alone(async () => { if (isOpen(row)) await keeper.say('joint.answered', [row.joint], { by: row.offered.to, answer: 'declined', reason, trial: null }); })]; // O3
    }),
    async [Symbol.asyncDispose]() { await Promise.all(served.map((one) => one[Symbol.asyncDispose]())); },
  };
}

/** Why a specialist will answer nothing any more; null while it may. */
function goneFor({ sessions }: Lineage, specialist: string): string | null {
  const stall = sessions.stalled.get(specialist);
  return stall === undefined || STALLS[stall.cause] ? null : `${specialist} cannot think any more: ${stall.reason}`.slice(0, 400);
}

/** Why a draft is not waited with any longer; null while it is. */
function overdue(lineage: Lineage, { seq, offered: { to } }: JointRow): string | null { // O6
  const told = [...lineage.sessions.rows.values()].filter(({ opened, ended }) => opened.specialist === to && opened.asOf >= seq && ended !== null && ended.ending !== 'lost' && ended.ending !== 'failed');
  return goneFor(lineage, to) ?? (told.length < SESSIONS_WITHOUT_A_WORD ? null : `${to} ended ${told.length} sessions without a word about it`);
}
