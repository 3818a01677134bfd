import type { Fact } from './fact.ts';
import type { RunId, TrialId } from './ids.ts';
import { costOf, NO_COST, plus, type Cost, type JointAnswered, type JointOffered, type SessionRow, type SpecialistStalled, type StallCause } from './session.ts';
import type { Proposal } from './trial.ts';

// What the journal says of thinking with a model, folded fact by fact.
//
//   N1. A call is charged in full when it is reserved, and put right when it is settled: the sum needs no second look at earlier calls.
//   N2. A draft is open until its owner said no or a trial carries it out. That trial is the answer, even where nobody was left to record one.
//   N3. A stretch of a run begins with nobody stalled, and a limit that was changed stalls nobody: who still cannot think says so again.

/** A draft for two owners, and what became of it. */
export interface JointRow {
  readonly joint: string;
  readonly offered: JointOffered;
  readonly seq: number;
  /** The admitted trial that carries it out. */
  trial: TrialId | null;
  answered: JointAnswered | null;
}

/** Everything the journal says of thinking with a model. */
export interface Sessions {
  readonly rows: Map<string, SessionRow>;
  readonly byClientId: Map<string, string>;
  /** Sessions that have not ended. */
  readonly open: Set<string>;
  readonly joints: Map<string, JointRow>;
  readonly jointByClientId: Map<string, string>;
  /** Drafts that a trial carries out and nobody has recorded as accepted. */
  readonly unanswered: Map<string, TrialId>;
  /** Who cannot think for now, and why. */
  readonly stalled: Map<string, SpecialistStalled>;
  /** Since when, by the journal's clock, whatever the reason was at first. */
  readonly stalledAt: Map<string, number>;
  /** How often each stalled and recovered, for the next ordinals. */
  readonly stalls: Map<string, number>;
  readonly recoveries: Map<string, number>;
}

/** Nobody has thought with a model yet. */
export const noSessions = (): Sessions => ({ rows: new Map(), byClientId: new Map(), open: new Set(), joints: new Map(), jointByClientId: new Map(), unanswered: new Map(), stalled: new Map(), stalledAt: new Map(), stalls: new Map(), recoveries: new Map() });

type SessionFact = Extract<Fact, { word: `session.${string}` | `call.${string}` | `specialist.${string}` | `joint.${string}` }>;

/** Folds one fact about sessions, telling `spend` what its specialist's thinking took; false for one that makes no sense here. */
export function growSessions(sessions: Sessions, fact: SessionFact, { run, spend }: { readonly run: RunId; readonly spend: (specialist: string, more: Cost) => void }): boolean {
  switch (fact.word) {
    case 'session.opened': {
      const [session] = fact.ids;
      if (sessions.rows.has(session)) return false;
      sessions.rows.set(session, { session, run, opened: fact.body, openedAt: fact.at, calls: new Map(), ended: null, endedAt: null });
      sessions.byClientId.set(fact.body.clientId, session);
      sessions.open.add(session);
      return true;
    }
    case 'call.reserved': {
      const row = sessions.rows.get(fact.ids[0]);
      if (!row || row.calls.has(Number(fact.ids[1]))) return false;
      row.calls.set(Number(fact.ids[1]), { reserved: fact.body, settled: null });
      spend(row.opened.specialist, fact.body); // N1
      return true;
    }
    case 'call.settled': {
      const row = sessions.rows.get(fact.ids[0]);
      const call = row?.calls.get(Number(fact.ids[1]));
      if (!row || !call || call.settled) return false;
      call.settled = fact.body;
      const did = costOf(fact.body);
      spend(row.opened.specialist, { tokens: did.tokens - call.reserved.tokens, money: did.money - call.reserved.money }); // N1
      return true;
    }
    case 'session.ended': {
      const row = sessions.rows.get(fact.ids[0]);
      if (!row || row.ended) return false;
      row.ended = fact.body;
      row.endedAt = fact.at;
      sessions.open.delete(row.session);
      return true;
    }
    case 'specialist.stalled': {
      sessions.stalled.set(fact.ids[0], fact.body);
      sessions.stalledAt.set(fact.ids[0], sessions.stalledAt.get(fact.ids[0]) ?? fact.at);
      sessions.stalls.set(fact.ids[0], Number(fact.ids[1]));
      return true;
    }
    case 'specialist.recovered': {
      sessions.recoveries.set(fact.ids[0], Number(fact.ids[1]));
      sessions.stalledAt.delete(fact.ids[0]);
      return sessions.stalled.delete(fact.ids[0]);
    }
    case 'joint.offered': {
      const [joint] = fact.ids;
      if (sessions.joints.has(joint)) return false;
      sessions.joints.set(joint, { joint, offered: fact.body, seq: fact.seq, trial: null, answered: null });
      sessions.jointByClientId.set(fact.body.clientId, joint);
      return true;
    }
    case 'joint.answered': {
      const row = sessions.joints.get(fact.ids[0]);
      const isSo = fact.body.answer === 'accepted' ? row?.trial != null && row.trial === fact.body.trial : row?.trial === null; // N2
      if (!row || row.answered || !isSo || fact.body.by !== row.offered.to) return false;
      row.answered = fact.body;
      sessions.unanswered.delete(row.joint);
      return true;
    }
    default: return fact satisfies never;
  }
}

/** Forgets who could not think: everybody, or those for one cause. */
export function unstall(sessions: Sessions, cause: StallCause | null = null): void { // N3
  for (const [specialist, stalled] of [...sessions.stalled]) {
    if (cause !== null && stalled.cause !== cause) continue;
    sessions.stalled.delete(specialist);
    sessions.stalledAt.delete(specialist);
  }
}

/** What calls that are being made may cost at most: it is counted as used, and some of it comes back when they are settled. */
export const outstanding = ({ rows, open }: Sessions): Cost =>
  [...open].flatMap((session) => [...rows.get(session)?.calls.values() ?? []]).reduce((sum, { reserved, settled }) => (settled ? sum : plus(sum, reserved)), NO_COST);

/** Notes that an admitted trial carries out a draft; false where no such draft was open to its author. */
export function carryOut(sessions: Sessions, trial: TrialId, { specialist, joint }: Pick<Proposal, 'specialist' | 'joint'>): boolean {
  if (joint === undefined) return true;
  const row = sessions.joints.get(joint.draft);
  if (!row || !isOpenTo(sessions, joint.draft, { from: joint.with, to: specialist })) return false;
  row.trial = trial;
  sessions.unanswered.set(row.joint, trial);
  return true;
}

/** Whether a draft still waits for its owner. */
export const isOpen = ({ trial, answered }: JointRow): boolean => trial === null && answered === null; // N2

/** Whether a draft of one specialist still waits for this other one. */
export function isOpenTo(sessions: Sessions, joint: string, { from, to }: { readonly from: string; readonly to: string }): boolean {
  const row = sessions.joints.get(joint);
  return row !== undefined && isOpen(row) && row.offered.from === from && row.offered.to === to;
}
