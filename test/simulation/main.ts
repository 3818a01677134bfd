import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { planOf } from './plan.ts';
import type { Traffic } from './network.ts';
import { explain, live, smallest } from './report.ts';

// Many schedules, on every core: `npm run simulate -- --seeds 100000 --from 1`.

const EXPLAINED = 5;

interface Share { readonly from: number; readonly to: number; readonly step: number }
interface Word { readonly seed: number; readonly laws: readonly string[]; readonly explained: string | null; readonly traffic: Traffic }

async function work({ from, to, step }: Share): Promise<void> {
  let explained = 0;
  for (let seed = from; seed < to; seed += step) {
    const lived = await live(planOf(seed));
    const isNew = lived.broken.length > 0 && explained++ < EXPLAINED;
    const word: Word = { seed, laws: [...new Set(lived.broken.map(({ law }) => law))], explained: isNew ? explain(await smallest(lived)) : null, traffic: lived.told.traffic };
    parentPort?.postMessage(word);
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}

async function lead(): Promise<void> {
  const { values } = parseArgs({ options: { seeds: { type: 'string', default: '2000' }, from: { type: 'string', default: '1' }, jobs: { type: 'string', default: String(availableParallelism()) }, help: { type: 'boolean', default: false } } });
  const [seeds, from, jobs] = [Number(values.seeds), Number(values.from), Number(values.jobs)];
  if (values.help || ![seeds, from, jobs].every((n) => Number.isInteger(n) && n > 0)) {
    process.stderr.write('npm run simulate -- [--seeds N] [--from N] [--jobs N]\n  simulates so many schedules, from that seed on, and prints those that broke a law\n');
    process.exitCode = values.help ? 0 : 1;
    return;
  }
  const began = performance.now();
  const broken = new Map<string, number[]>();
  const total: Traffic = { arrived: 0, lost: 0, twice: 0, overtaken: 0 };
  let done = 0;
  await Promise.all(Array.from({ length: Math.min(jobs, seeds) }, (_, i) => new Promise<void>((resolve, reject) => {
    const share: Share = { from: from + i, to: from + seeds, step: jobs };
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    worker.on('message', ({ seed, laws, explained, traffic }: Word) => {
      done += 1;
      for (const what of ['arrived', 'lost', 'twice', 'overtaken'] as const) total[what] += traffic[what];
      for (const law of laws) broken.set(law, [...broken.get(law) ?? [], seed]);
      if (explained !== null) process.stdout.write(`${explained}\n\n`);
      if (done % 1000 === 0) process.stderr.write(`${done} of ${seeds}\n`);
    });
    worker.on('error', reject).on('exit', () => resolve());
  })));
  for (const [law, found] of [...broken].sort()) process.stdout.write(`${law} is broken by ${found.length} schedule${found.length === 1 ? '' : 's'}: ${found.sort((a, b) => a - b).slice(0, 20).join(' ')}\n`);
  process.stdout.write(`of the messages ${total.arrived} arrived, ${total.twice} of them a second time and ${total.overtaken} overtaken by later ones; ${total.lost} were lost\n`);
  process.stdout.write(`${done} schedules from seed ${from} in ${((performance.now() - began) / 1000).toFixed(1)} s, ${new Set([...broken.values()].flat()).size} of them broke a law\n`);
  process.exitCode = broken.size > 0 || done < seeds ? 1 : 0;
}

await (isMainThread ? lead() : work(workerData as Share));
