import type { Lineage } from './lineage.ts';
import { NO_COST, SESSION_ENDINGS, type Cost, type SessionEnding, type SpecialistStalled } from './session.ts';

/** What one specialist's thinking with a model came to. */
export interface Thought {
  readonly specialist: string;
  readonly sessions: number;
  /** Sessions that have ended, by how; one that did not end as `submitted` may have led to a trial before. */
  readonly endings: ReadonlyMap<SessionEnding, number>;
  /** Sessions that have ended without a trial. */
  readonly fruitless: number;
  readonly repairs: number;
  readonly calls: number;
  /** Calls that brought no answer. */
  readonly failed: number;
  readonly spent: Cost;
  /** Why it cannot think for now; null while it can. */
  readonly stalled: SpecialistStalled | null;
}

/** Thinking by specialist, those of the roster first; nobody where no model was asked. */
export function thoughts({ started, sessions, thinkingBySpecialist }: Lineage): Thought[] {
  const rows = [...sessions.rows.values()];
  const names = new Set(rows.map(({ opened }) => opened.specialist).concat([...sessions.stalled.keys()]));
  const order = [...(started?.roster ?? []).filter((name) => names.has(name)), ...[...names].filter((name) => started?.roster.includes(name) !== true)];
  return order.map((specialist) => {
    const own = rows.filter(({ opened }) => opened.specialist === specialist);
    const calls = own.flatMap((row) => [...row.calls.values()]);
    return {
      specialist, sessions: own.length, calls: calls.length, failed: calls.filter(({ settled }) => settled?.ended === 'failed').length,
      endings: new Map(SESSION_ENDINGS.map((ending) => [ending, own.filter(({ ended }) => ended?.ending === ending).length] as const).filter(([, n]) => n > 0)),
      fruitless: own.filter(({ ended }) => ended?.trials.length === 0).length,
      repairs: own.reduce((sum, { ended }) => sum + (ended?.repairs ?? 0), 0),
      spent: thinkingBySpecialist.get(specialist) ?? NO_COST, stalled: sessions.stalled.get(specialist) ?? null,
    };
  });
}

/** The most that one call was thought to cost, by tokens and by money: what a run that is to go on must have room for. */
export const dearestCall = ({ sessions }: Lineage): Cost => [...sessions.rows.values()].flatMap(({ calls }) => [...calls.values()])
  .reduce((most, { reserved }) => ({ tokens: Math.max(most.tokens, reserved.tokens), money: Math.max(most.money, reserved.money) }), NO_COST);

/** What is left of a limit, in words: `13,960 of 200,000` or `13,960, no limit`. */
export const usedOf = (used: number, limit: number | null, say: (value: number) => string): string => (limit === null ? `${say(used)}, no limit` : `${say(used)} of ${say(limit)}, ${say(Math.max(0, limit - used))} left`);

/** An amount of money, with more digits the smaller it is. */
export const amount = (money: number): string => money.toFixed(money !== 0 && money < 0.995 ? 4 : 2);
