import type { Limits } from '../domain/budget.ts';
import { counted, plural } from '../domain/figures.ts';
import { amount } from '../domain/thought.ts';
import { modelOf, requirePrices, USUAL, type ModelSettings, type ModelsConfig } from './models.ts';

// What thinking with models may cost a run, before it costs anything: how much it will be nobody knows, how much it can be the limits say.

/** The most that one session, and one session a trial, may take; and what holds the whole run. Money is null where a price is missing. */
export interface ThinkingPlan {
  readonly session: { readonly tokens: number; readonly money: number | null };
  readonly trials: { readonly sessions: number; readonly tokens: number; readonly money: number | null };
  /** The tightest of the run's own limits and its specialists' budgets together; null where nothing holds it. */
  readonly bound: { readonly tokens: number | null; readonly money: number | null };
}

/** Reckons for a roster; `models` is null where none was named yet. Throws `Mistake` for a limit of money without prices. */
export function planThinking(models: ModelsConfig | null, roster: readonly string[], limits: Limits): ThinkingPlan {
  if (models !== null) requirePrices(models, roster, limits);
  const all = roster.map((specialist): Pick<ModelSettings, 'limits' | 'budget' | 'price'> => (models === null ? USUAL : modelOf(models, specialist)));
  const tokens = Math.max(...all.map((one) => one.limits.tokens));
  const moneys = all.map(moneyOfSession);
  const money = moneys.includes(null) ? null : Math.max(...moneys.map((each) => each ?? 0));
  const sessions = limits.trials ?? 0;
  const together = (of: (budget: ModelSettings['budget']) => number | null): number => all.reduce((sum, { budget }) => sum + (of(budget) ?? Infinity), 0);
  const least = (limit: number | null, budgets: number): number | null => { const held = Math.min(limit ?? Infinity, budgets); return Number.isFinite(held) ? held : null; };
  return {
    session: { tokens, money }, trials: { sessions, tokens: sessions * tokens, money: money === null ? null : sessions * money },
    bound: { tokens: least(limits.tokens, together((budget) => budget.tokens)), money: least(limits.money, together((budget) => budget.money)) },
  };
}

/** The same in lines. */
export function sayThinking({ session, trials, bound }: ThinkingPlan): string[] {
  const cost = (tokens: number, money: number | null): string => `${counted(tokens)} tokens, ${money === null ? 'money unknown without --price' : `money ${amount(money)}`}`;
  const held = [...(bound.tokens === null ? [] : [`${counted(bound.tokens)} tokens`]), ...(bound.money === null ? [] : [`money ${amount(bound.money)}`])];
  const covers = Math.floor(Math.min(bound.tokens === null ? Infinity : bound.tokens / session.tokens, bound.money === null || !session.money ? Infinity : bound.money / session.money));
  return [
    `a session       at most ${cost(session.tokens, session.money)}`,
    `${`${trials.sessions} of them`.padEnd(16)}at most ${cost(trials.tokens, trials.money)}: one a trial; what leads to no trial comes on top`,
    held.length === 0 ? 'all thinking is bounded by nothing: give --tokens or --money'
      : `all thinking is bounded by ${held.join(' and ')}${Number.isFinite(covers) ? `: as many as ${plural(covers, 'session')} at their dearest` : ''}`,
  ];
}

/** The most a session may cost: as much of it dear output as its answers may hold, the rest input that nobody kept. */
function moneyOfSession({ limits, price }: Pick<ModelSettings, 'limits' | 'price'>): number | null {
  if (price === null) return null;
  const output = price.output > price.input ? Math.min(limits.tokens, limits.turns * limits.output) : 0;
  return Math.min(limits.money ?? Infinity, (output * price.output + (limits.tokens - output) * price.input) / 1e6);
}
