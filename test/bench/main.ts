import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '../../src/adapters/toolchain/index.ts';
import { falseKeeps } from './false-keeps.ts';
import { firstTrial } from './first-trial.ts';
import { fleet } from './fleet.ts';
import { gap } from './gap.ts';
import { growth } from './growth.ts';
import type { Bench, Figure } from './figure.ts';
import { meetsAim } from './figure.ts';
import { describeMachine } from './machine.ts';
import { memory } from './memory.ts';
import { orchestration } from './orchestration.ts';
import { projection } from './projection.ts';
import { recovery } from './recovery.ts';
import { markdownTable, plainTable } from './table.ts';
import { traces } from './traces.ts';
import { utilisation } from './utilisation.ts';

const BENCHES: readonly Bench[] = [orchestration, gap, traces, fleet, recovery, utilisation, projection, growth, memory, firstTrial, falseKeeps];

const { values } = parseArgs({ options: {
  only: { type: 'string' }, json: { type: 'string' }, quick: { type: 'boolean', default: false }, full: { type: 'boolean', default: false },
  run: { type: 'string' }, traces: { type: 'string' }, markdown: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
} });
const only = values.only?.split(',');
const unknown = only?.filter((name) => !BENCHES.some((bench) => bench.name === name)) ?? [];
if (values.help || unknown.length > 0) {
  process.stderr.write(`${unknown.length > 0 ? `there is no measurement ${unknown.join(', ')}\n` : ''}npm run bench [-- --only name,name] [--json FILE] [--markdown] [--quick] [--full] [--run DIR] [--traces DIR]\n${BENCHES.map(({ name, says }) => `  ${name.padEnd(14)} ${says}\n`).join('')}`);
  process.exit(unknown.length > 0 ? 1 : 0);
}

const root = projectRoot();
const machine = await describeMachine(root);
const startedAt = new Date();
const folder = await mkdtemp(join(tmpdir(), 'brigade-bench-'));
const figures: Figure[] = [];
const failed: { readonly bench: string; readonly error: string }[] = [];
const say = (line: string): void => { process.stderr.write(`${line}\n`); };
try {
  for (const bench of BENCHES.filter(({ name }) => only === undefined || only.includes(name))) {
    say(`${bench.name}: ${bench.says}`);
    try {
      figures.push(...await bench.measure({ root, folder: join(folder, bench.name), isQuick: values.quick, isFull: values.full, run: values.run ?? null, traces: values.traces ?? join(root, '..', 'shared', 'traces'), say }));
    } catch (error) {
      failed.push({ bench: bench.name, error: error instanceof Error ? error.message : String(error) });
      say(`${bench.name} failed: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

const file = values.json ?? join(root, 'bench-results', `${startedAt.toISOString().replaceAll(':', '-').slice(0, 19)}.json`);
await mkdir(dirname(file), { recursive: true });
await writeFile(file, `${JSON.stringify({ startedAt: startedAt.toISOString(), isQuick: values.quick, machine, figures: figures.map((figure) => ({ ...figure, meets: meetsAim(figure) })), failed }, null, 2)}\n`);
process.stdout.write(values.markdown ? markdownTable(machine, figures) : plainTable(machine, figures));
say(`written to ${file}${values.quick ? '; taken with --quick: not to be quoted' : ''}`);
process.exitCode = failed.length > 0 ? 1 : 0;
