import { expect, test } from 'vitest';
import { beginRun } from '../../src/actors/supervisor/index.ts';
import { memoryPorts, virtualClock } from '../../src/adapters/memory/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import type { Journal } from '../../src/ports.ts';
import { STARTED } from '../support/story.ts';

const LIMITS = { ...STARTED.limits, wallSeconds: 18 };
const started = { ...STARTED, limits: LIMITS };

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
  await beginRun(journal, started, null);
  await pass(4_000);
  await journal.record('operator.acted', ['1'], { act: 'pause', detail: '', limits: null });
  await pass(60_000); // killed while paused, and left lying
  await beginRun(journal, started, null);
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
  await beginRun(journal, started, null);
  expect((await fold()).resumes).toBe(0);
});
