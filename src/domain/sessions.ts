import type { Fact } from './fact.ts';
import type { RunId } from './ids.ts';
import { spentOn, type JointAnswered, type JointOffered, type SessionRow, type SpecialistStalled } from './session.ts';

/** A draft for two owners, and what became of it. */
export interface JointRow { readonly joint: string; readonly offered: JointOffered; readonly seq: number; answered: JointAnswered | null }

/** Everything the journal says of thinking with a model. */
export interface Sessions {
  readonly rows: Map<string, SessionRow>;
  readonly byClientId: Map<string, string>;
  readonly joints: Map<string, JointRow>;
  readonly jointByClientId: Map<string, string>;
  /** Who cannot think for now, and why. */
  readonly stalled: Map<string, SpecialistStalled>;
  /** How often each stalled and recovered, for the next ordinals. */
  readonly stalls: Map<string, number>;
  readonly recoveries: Map<string, number>;
}

/** Nobody has thought with a model yet. */
export const noSessions = (): Sessions => ({ rows: new Map(), byClientId: new Map(), joints: new Map(), jointByClientId: new Map(), stalled: new Map(), stalls: new Map(), recoveries: new Map() });

type SessionFact = Extract<Fact, { word: `session.${string}` | `call.${string}` | `specialist.${string}` | `joint.${string}` }>;

/** Folds one fact about sessions; false for one that makes no sense here. */
export function growSessions(sessions: Sessions, fact: SessionFact, run: RunId): boolean {
  switch (fact.word) {
    case 'session.opened': {
      const [session] = fact.ids;
      if (sessions.rows.has(session)) return false;
      sessions.rows.set(session, { session, run, opened: fact.body, openedAt: fact.at, calls: new Map(), ended: null, endedAt: null });
      sessions.byClientId.set(fact.body.clientId, session);
      return true;
    }
    case 'call.reserved': {
      const calls = sessions.rows.get(fact.ids[0])?.calls;
      if (!calls || calls.has(Number(fact.ids[1]))) return false;
      calls.set(Number(fact.ids[1]), { reserved: fact.body, settled: null });
      return true;
    }
    case 'call.settled': {
      const call = sessions.rows.get(fact.ids[0])?.calls.get(Number(fact.ids[1]));
      if (!call || call.settled) return false;
      call.settled = fact.body;
      return true;
    }
    case 'session.ended': {
      const row = sessions.rows.get(fact.ids[0]);
      if (!row || row.ended) return false;
      row.ended = fact.body;
      row.endedAt = fact.at;
      return true;
    }
    case 'specialist.stalled': {
      sessions.stalled.set(fact.ids[0], fact.body);
      sessions.stalls.set(fact.ids[0], Number(fact.ids[1]));
      return true;
    }
    case 'specialist.recovered': {
      sessions.recoveries.set(fact.ids[0], Number(fact.ids[1]));
      return sessions.stalled.delete(fact.ids[0]);
    }
    case 'joint.offered': {
      const [joint] = fact.ids;
      if (sessions.joints.has(joint)) return false;
      sessions.joints.set(joint, { joint, offered: fact.body, seq: fact.seq, answered: null });
      sessions.jointByClientId.set(fact.body.clientId, joint);
      return true;
    }
    case 'joint.answered': {
      const row = sessions.joints.get(fact.ids[0]);
      if (!row || row.answered) return false;
      row.answered = fact.body;
      return true;
    }
    default: return fact satisfies never;
  }
}

/** Tokens and money of every session so far, of one specialist where named. */
export function spentThinking(sessions: Sessions, specialist: string | null): { readonly tokens: number; readonly money: number } {
  let [tokens, money] = [0, 0];
  for (const row of sessions.rows.values()) {
    if (specialist !== null && row.opened.specialist !== specialist) continue;
    const spent = spentOn(row);
    tokens += spent.tokens;
    money += spent.money;
  }
  return { tokens, money };
}
