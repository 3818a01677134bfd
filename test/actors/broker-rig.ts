import type { SpecialistStalled } from '../../src/domain/session.ts';
import { NO_LIMITS, type Limits } from '../../src/domain/budget.ts';
import { CheckProposal, EndSession, OpenSession, ReserveCall, SettleCall, StallSpecialist } from '../../src/protocols/session.ts';
import { byPatch, world, type World } from '../support/world.ts';

export const RUN = { run: 'toy-1' };
export const NOW = { timeoutMs: 60_000 };
export const SETTLED = { cached: 0, isMeasured: true, ended: 'answered' as const, why: '' };

/** What a specialist may say of its sessions, in one word each. */
export const ask = (w: World) => ({
  open: (clientId: string, specialist = 'optimizer', worst?: { tokens: number; money: number }) => w.ports.bus.ask(OpenSession, RUN, { clientId, specialist, asOf: 1, model: 'toy at nowhere', prompt: `you are ${specialist}`, ...(worst === undefined ? {} : { worst }) }, NOW),
  reserve: (session: string, call: number, tokens = 100, money = 0.5) => w.ports.bus.ask(ReserveCall, RUN, { session, call, tokens, money }, NOW),
  settle: (session: string, call: number, input = 60, output = 10, money = 0.2, ended: 'answered' | 'failed' = 'answered') => w.ports.bus.ask(SettleCall, RUN, { session, call, input, output, money, ...SETTLED, ended }, NOW),
  end: (session: string, trials: string[] = []) => w.ports.bus.ask(EndSession, RUN, { session, ending: trials.length > 0 ? 'submitted' : 'gave_up', reason: 'nothing left to try', trials, repairs: 1, transcript: '[]' }, NOW),
  stall: (specialist: string, reason: string | null, cause: SpecialistStalled['cause'] = 'endpoint') => w.ports.bus.ask(StallSpecialist, RUN, { specialist, stalled: reason === null ? null : { cause, reason } }, NOW),
  check: (patch: string, parent = 't0000', other: string | null = null) => w.ports.bus.ask(CheckProposal, RUN, { specialist: 'optimizer', with: other, parent, patch }, NOW),
});

/** A run of specialists that think, with its baseline measured. */
export async function ready(limits: Partial<Limits> = {}, more: { lineage?: boolean } = {}) {
  const w = await world({ measure: byPatch, started: { limits: { ...NO_LIMITS, ...limits }, proposer: 'llm', arm: { kind: 'specialists', agents: 2, ownership: 'enforced', lineage: more.lineage ?? true } } });
  const broker = await w.startBroker();
  await w.startNode('atlas');
  await w.until((l) => l.bests.length === 1);
  return { w, broker, ...ask(w), words: async (word: string) => (await w.facts()).filter((fact) => fact.word === word) };
}
