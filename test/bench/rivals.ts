import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '../../src/adapters/toolchain/index.ts';
import { findPlace } from '../../src/cli/place.ts';
import { conductCampaign } from './campaign.ts';
import { describeMachine } from './machine.ts';
import { compare, markdownRivalry, plainRivalry } from './rivalry.ts';

const HELP = `npm run bench:rivals -- --surface golf-mini --seeds 101,102 [--proposers search,random,tpe] [--trials 30] [--slots N] [--out FILE] [--markdown]

  --proposers   the first is the yardstick: the slot-seconds of its trials are what the others get; kind or kind/arm (tpe/single)
  --trials      trials of the yardstick (default 30)
  --out         where the JSON goes (default bench-results/rivals-SURFACE.json)

Runs lie in runs/ (BRIGADE_RUNS). Killed, the same command goes on where it was. tpe needs npm run rivals once.
`;

const { values } = parseArgs({ options: {
  surface: { type: 'string' }, seeds: { type: 'string' }, proposers: { type: 'string', default: 'search,random,tpe' }, trials: { type: 'string', default: '30' },
  slots: { type: 'string' }, out: { type: 'string' }, markdown: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
} });
const { surface } = values;
const seeds = (values.seeds ?? '').split(',').filter(Boolean).map(Number);
const trials = Number(values.trials);
const isWrong = surface === undefined || seeds.length === 0 || [...seeds, trials].some((number) => !Number.isSafeInteger(number) || number < 0);
if (values.help || isWrong) {
  (values.help ? process.stdout : process.stderr).write(HELP);
  process.exit(values.help ? 0 : 1);
}

const place = findPlace(process.env);
const machine = await describeMachine(projectRoot());
const startedAt = new Date().toISOString();
const runs = await conductCampaign({
  place, main: join(projectRoot(), 'dist', 'main.js'), surface, seeds, trials, proposers: values.proposers.split(',').filter(Boolean),
  flags: values.slots === undefined ? [] : ['--slots', values.slots], say: (line) => process.stderr.write(`${line}\n`),
});
const rivalry = compare(surface, trials, runs);
const out = values.out ?? join(place.root, 'bench-results', `rivals-${surface}.json`);
await mkdir(dirname(out), { recursive: true });
await writeFile(out, `${JSON.stringify({ startedAt, machine, ...rivalry }, null, 2)}\n`);
process.stdout.write(values.markdown ? `commit ${machine.commit}, ${machine.cores} cores, ${machine.cpu}\n\n${markdownRivalry(rivalry)}` : plainRivalry(rivalry));
process.stderr.write(`written to ${out}\n`);
