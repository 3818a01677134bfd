import { join } from 'node:path';
import { createSigner } from '../../src/adapters/signature/index.ts';
import { loadSurface } from '../../src/adapters/surfaces/index.ts';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';
import { openAuthors } from './authors.ts';
import { single, spread, type Bench, type Context, type Figure } from './figure.ts';
import { fillJournal } from './filling.ts';
import { startNullNode } from './null-node.ts';
import { firstFact, NODE, openNullRun, RUN } from './null-run.ts';
import { syntheticFacts } from './synthetic-facts.ts';
import { processorSeconds, residentBytes } from './usage.ts';

// What a long journal costs the broker: its start, which reads and checks all of it, and every trial after that.

const MIB = 2 ** 20;

export const growth: Bench = {
  name: 'growth',
  says: "the broker's start, a trial and its memory on journals of 250, 2,500 and 25,000 trials (--full: 100,000)",
  async measure(context) {
    const sizes = context.isQuick ? [250] : [250, 2_500, 25_000, ...(context.isFull ? [100_000] : [])];
    const figures: Figure[] = [];
    for (const trials of sizes) figures.push(...await at(context, trials));
    return figures;
  },
};

async function at(context: Context, trials: number): Promise<Figure[]> {
  const { root, say } = context;
  const folder = join(context.folder, String(trials));
  const surface = await loadSurface(root, 'tiny');
  const signer = createSigner();
  const length = await fillJournal({
    binary: (await findToolchain(root)).nats?.path ?? 'nats-server', dir: join(folder, 'nats'),
    facts: async (blobs) => {
      const started = await firstFact({ blobs, surface });
      return syntheticFacts(trials, { started, node: NODE, publicKey: signer.publicKey, sign: (signed) => signer.sign({ ...signed, run: RUN }) });
    },
  });
  say(`growth: the broker reads ${length} facts`);
  await using run = await openNullRun({ root, folder, keeping: 'daemons', withLineage: false });
  const { pid, at: begunAt } = run.broker ?? { pid: 0, at: 0 };
  let tookAt: number | null = null;
  for await (const fact of run.node.journal.follow({ after: length })) if (fact.word === 'broker.took') { tookAt = fact.at; break; }
  const atStart = (await residentBytes([pid]))[0]?.[1] ?? null;

  const authors = openAuthors(run.author, surface.recipe);
  await using _node = await startNullNode(run.node, { slots: 1, workMs: () => 0, score: () => 3, onFact: authors.onFact, after: length });
  for (let i = 0; i < 10; i++) await authors.tryOnce(i); // the programs are compiled by the time it counts
  const before = await processorSeconds(pid);
  const latencies: number[] = [];
  const count = context.isQuick ? 50 : 200;
  for (let i = 0; i < count; i++) latencies.push(await authors.tryOnce(i));
  const after = await processorSeconds(pid);
  const named = `at ${trials.toLocaleString('en')} trials`;
  const isHundredThousand = trials === 25_000;
  return [
    single({
      name: `broker's start ${named}`, unit: 's', ...(isHundredThousand ? { aim: { of: 'p50', bound: 'at most', value: 30 } } : {}),
      note: `from its process being begun to its term, ${length} facts read, checked and folded, one signature a trial`,
    }, tookAt === null ? null : (tookAt - begunAt) / 1000, 1),
    single({ name: `resident, broker ${named}`, unit: 'MiB', note: 'when its term began' }, atStart === null ? null : atStart / MIB, 1),
    spread({ name: `durable trial ${named}`, unit: 'ms', note: 'one in flight' }, latencies),
    single({ name: `broker, a decision ${named}`, unit: 'ms', note: 'processor time of its process, three decisions a trial: admitted, leased, ended' }, after === null || before === null ? null : (after - before) * 1000 / (3 * count), 3 * count),
  ];
}
