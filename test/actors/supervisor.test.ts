import { expect, test } from 'vitest';
import { createActor, fromPromise, toPromise } from 'xstate';
import { beginRun, NEVER_AGAIN, restart } from '../../src/actors/supervisor/index.ts';
import { wardMachine, type Death } from '../../src/actors/supervisor/machine.ts';
import { memoryPorts, virtualClock } from '../../src/adapters/memory/index.ts';
import type { Limits } from '../../src/domain/budget.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import type { Journal } from '../../src/ports.ts';
import { STARTED } from '../support/story.ts';

const LIMITS = { ...STARTED.limits, wallSeconds: 18 };
const started = { ...STARTED, limits: LIMITS };
const same = (limits: Limits): Limits => limits;

function journalOf(): { readonly journal: Journal; pass(ms: number): Promise<void>; fold(): Promise<Lineage> } {
  const clock = virtualClock(1_700_000_000_000);
  const { journal } = memoryPorts('toy-1', clock);
  return {
    journal,
    pass: async (ms) => { await clock.advance(ms); },
    async fold() {
      const lineage = emptyLineage();
      const end = await journal.position();
      const stop = new AbortController();
      for await (const fact of journal.follow({ after: 0, signal: stop.signal })) { grow(lineage, fact as Fact, 'toy-1', () => true); if (fact.seq >= end) break; }
      stop.abort();
      return lineage;
    },
  };
}

test('a run that was killed is resumed with its word, and the time it lay dead is not run time', async () => {
  const { journal, pass, fold } = journalOf();
  await beginRun(journal, started, same);
  await pass(4_000);
  await journal.record('operator.acted', ['1'], { act: 'pause', detail: '', limits: null });
  await pass(60_000); // killed while paused, and left lying
  await beginRun(journal, started, same);
  await pass(2_000);
  await journal.record('operator.acted', ['2'], { act: 'note', detail: 'again', limits: null });
  const lineage = await fold();
  expect(lineage.resumes).toBe(1);
  expect(lineage.paused, 'a resumed run goes on').toBe(false);
  expect(lineage.limits).toEqual(LIMITS);
  expect(lineage.wallSecondsBefore + (lineage.newestAt - (lineage.startedAt ?? 0)) / 1000).toBe(6);
});

test('a run that is started for the first time is not resumed', async () => {
  const { journal, fold } = journalOf();
  await beginRun(journal, started, same);
  expect((await fold()).resumes).toBe(0);
});

test('a daemon that fails at the end of a slow start is given up like one that fails at once', () => {
  expect(restart(25_000, 8)).toEqual({ kind: 'give-up', deaths: 9 });
  expect(restart(3_600_000, 8)).toEqual({ kind: 'restart', deaths: 1, afterMs: 0 });
});

test.each([[NEVER_AGAIN, 1, 'lost'], [2, 2, 'released']] as const)('a daemon that ends with code %i has been started so often: %i', async (code, starts, end) => {
  let started = 0;
  const ward = createActor(wardMachine.provide({ actors: {
    daemon: fromPromise<Death, { name: string }>(async () => { started += 1; return { livedMs: 1, code: started > 1 ? 0 : code }; }),
    pause: fromPromise<void, { afterMs: number }>(async () => undefined),
  } }), { input: { name: 'evaluator' } });
  ward.start();
  expect((await toPromise(ward), ward.getSnapshot().value)).toBe(end);
  expect(started).toBe(starts);
});

test('a resumed run extends the limits it last had, those an operator set included', async () => {
  const { journal, fold } = journalOf();
  await beginRun(journal, started, same);
  await journal.record('operator.acted', ['1'], { act: 'limit', detail: 'trials 64', limits: { ...LIMITS, trials: 64 } });
  const more = (limits: Limits): Limits => ({ ...limits, trials: (limits.trials ?? 0) + 8 });
  expect((await beginRun(journal, started, more)).trials).toBe(72);
  expect((await beginRun(journal, started, more)).trials).toBe(80);
  expect((await fold()).limits).toEqual({ ...LIMITS, trials: 80 });
});
