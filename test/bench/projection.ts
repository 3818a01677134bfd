import { join } from 'node:path';
import { emptyTimeline, note, rowsBetween } from '../../src/actors/lineage/decide.ts';
import { openStore } from '../../src/adapters/lmdb/index.ts';
import { createSigner, verifySignature } from '../../src/adapters/signature/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { renderFeedback } from '../../src/domain/feedback.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import { measurement } from '../support/story.ts';
import { single, spread, type Bench, type Context, type Figure } from './figure.ts';
import { syntheticFacts } from './synthetic-facts.ts';

const READER = { specialist: 'optimizer', brief: null, claims: [] };
/** As the lineage keeper writes while catching up. */
const BATCH = 1_000;

export const projection: Bench = {
  name: 'projection',
  says: 'folding the journal, its copy in LMDB, feedback and rows at 1,000, 10,000 and 100,000 trials',
  async measure(context) {
    const figures: Figure[] = [];
    for (const trials of context.isQuick ? [1_000, 10_000] : [1_000, 10_000, 100_000]) figures.push(...await at(context, trials));
    return [...figures, verification(context)];
  },
};

async function at({ folder }: Context, trials: number): Promise<Figure[]> {
  const facts = [...syntheticFacts(trials)];
  const named = `at ${trials.toLocaleString('en')} trials`;
  const whole = timed(() => fold(facts));
  const { lineage, timeline } = whole.value;

  const store = await openStore(join(folder, `${trials}.lmdb`));
  const kept = timed(() => { for (let i = 0; i < facts.length; i += BATCH) store.apply(facts.slice(i, i + BATCH)); });
  const rebuilt = timed(() => fold(store.read(0, store.position().applied)));
  const live: number[] = [];
  const newer = [...syntheticFacts(trials + 50)].slice(facts.length);
  for (const fact of newer) live.push(timed(() => store.apply([fact])).ms);
  await store[Symbol.asyncDispose]();

  const first = timed(() => renderFeedback(lineage, READER));
  const again: number[] = [];
  for (const fact of newer) {
    grow(lineage, fact, 'bench', () => true);
    again.push(timed(() => renderFeedback(lineage, READER)).ms);
  }
  const newest = Array.from({ length: 50 }, (_, i) => timed(() => rowsBetween(lineage, timeline, { after: facts.length - 200 - i, asOf: facts.length, limit: 500 })).ms);
  const oldest = Array.from({ length: 50 }, () => timed(() => rowsBetween(lineage, timeline, { after: 0, asOf: facts.length, limit: 500 })).ms);
  const rate = (ms: number): number => facts.length / (ms / 1000);
  return [
    single({ name: `fold ${named}`, unit: 'facts/s', note: `${facts.length} facts in ${whole.ms.toFixed(0)} ms, signatures taken as good` }, rate(whole.ms), facts.length),
    single({ name: `copy into LMDB ${named}`, unit: 'facts/s', note: `${(kept.ms / whole.ms).toFixed(1)} × the fold; ${BATCH} a transaction, hash chain included` }, rate(kept.ms), facts.length),
    single({ name: `fold again from LMDB ${named}`, unit: 'facts/s', note: `a keeper that starts again: ${rebuilt.ms.toFixed(0)} ms` }, rate(rebuilt.ms), facts.length),
    spread({ name: `one live fact into LMDB ${named}`, unit: 'ms' }, live),
    single({ name: `feedback, first ${named}`, unit: 'ms', note: `${Buffer.byteLength(first.value)} bytes` }, first.ms, 1),
    spread({ name: `feedback, after each fact ${named}`, unit: 'ms' }, again),
    spread({ name: `rows, the newest ${named}`, unit: 'ms', note: 'rows of the last 200 facts or so' }, newest),
    spread({ name: `rows, the first 500 ${named}`, unit: 'ms' }, oldest),
  ];
}

function fold(facts: Iterable<Fact>): { readonly lineage: Lineage; readonly timeline: ReturnType<typeof emptyTimeline> } {
  const lineage = emptyLineage();
  const timeline = emptyTimeline();
  for (const fact of facts) {
    const bests = lineage.bests.length;
    if (grow(lineage, fact, 'bench', () => true)) note(timeline, lineage, fact, bests);
  }
  return { lineage, timeline };
}

function verification({ isQuick }: Context): Figure {
  const signer = createSigner();
  const signed = { run: 'bench', trial: 't0001', replicate: 's1', attempt: 1, node: 'atlas', measurement: measurement(2.5) };
  const signature = signer.sign(signed);
  const readings = Array.from({ length: isQuick ? 100 : 1000 }, () => timed(() => verifySignature(signer.publicKey, signed, signature)).ms);
  return spread({ name: 'check of one measurement\'s signature', unit: 'ms', note: 'once a replicate for every reader that folds' }, readings);
}

function timed<T>(work: () => T): { readonly value: T; readonly ms: number } {
  const begun = performance.now();
  const value = work();
  return { value, ms: performance.now() - begun };
}
