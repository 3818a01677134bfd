import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { openCopy } from '../adapters/lmdb/index.ts';
import { connectNats, startServer } from '../adapters/nats/index.ts';
import { findToolchain, projectRoot } from '../adapters/toolchain/index.ts';
import type { Stored } from '../domain/damage.ts';
import type { Fact } from '../domain/fact.ts';
import { plural } from '../domain/figures.ts';
import type { RunId } from '../domain/ids.ts';
import { NamedActorState } from '../protocols/actor.ts';
import { Mistake } from './mistake.ts';
import { findRun, keyFileOf, readLive, runDir, type Place, type RunFile } from './place.ts';
import { jsonLine } from './reading.ts';
import { keysOption, natsOption } from './server.ts';
import type { Surroundings } from './surroundings.ts';

// `brigade runs restore`: the journal of a run put back from its keeper's copy, with the key of whoever sets runs up.
//
//   P1. Nobody works on a journal while it is exchanged.
//   P2. The copy is only read. Until the journal was read again and compared it is the only one there is.

interface Flags { readonly from?: string; readonly nats?: string; readonly keys?: string; readonly json?: boolean }

/** Adds the command to those about runs. */
export function restoreCommand(runs: Command, { place, out }: Surroundings): void {
  runs.command('restore <run>').description("put a damaged or removed journal back from the copy of the run's keeper")
    .option('--from <file>', "a keeper's copy that lies elsewhere than lineage.lmdb in the run's folder")
    .addOption(natsOption('its nats-server, for a run that was started on another machine')).addOption(keysOption()).option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  $ brigade runs restore golf-mini-1121a\n  $ brigade runs restore night-1 --nats nats://head:4222 --keys nats/keys')
    .action(async (name: string, { from, nats, keys, json }: Flags) => {
      const file = await findRun(place, name).catch((error: unknown): RunFile => {
        if (nats === undefined) throw error;
        return { run: name, surface: '', url: nats, keys: null };
      });
      const { run } = file;
      const live = await readLive(place, run);
      if (live) throw new Mistake(`${run} is running (process ${live.pid}): brigade stop ${run} first`); // P1
      const facts = await factsOf(from === undefined ? join(runDir(place, run), 'lineage.lmdb') : resolve(from));
      const server = file.url === null ? await startOwn(place, run) : null;
      try {
        await using session = await connectNats({ url: server?.url ?? nats ?? file.url ?? '', keyFile: keyFileOf({ keys: keys ?? file.keys }, 'supervisor'), name: `brigade-restore-${process.pid}`, role: 'supervisor' });
        const isServed = await session.bus.ask(NamedActorState, { actor: 'broker', run, name: 'main' }, {}, { timeoutMs: 1_000 }).then(() => true, () => false);
        if (isServed) throw new Mistake(`a broker works for ${run}: brigade stop ${run} first, or stop the brokers of its server`); // P1
        const aside = join(runDir(place, run), `replaced-${Date.now()}.jsonl`);
        const setAside = async (stored: readonly Stored[]): Promise<void> => {
          if (stored.length > 0) await writeFile(aside, stored.map(({ seq, at, name: said, text }) => jsonLine({ seq, at, said, text })).join(''), { flush: true });
        };
        const { positions, later, replaced } = await session.restoreRun(run, facts, setAside);
        if (replaced.length > 0) await setAside(replaced); else await rm(aside, { force: true });
        if (json) { out.write(jsonLine({ run, positions, facts: facts.length, later, replaced: replaced.length, aside: replaced.length > 0 ? aside : null })); return; }
        out.write(`${run}   ${plural(positions, 'position')} put back and compared, ${plural(facts.length, 'fact')} of them from the keeper's copy${later > 0 ? `, ${later} from after it` : ''}\n`);
        if (replaced.length > 0) out.write(`replaced ${plural(replaced.length, 'message')} that had been said instead of what was lost: ${aside}\n`);
        out.write(`next     brigade verify ${run}, then brigade run --resume ${run}\n`);
      } finally {
        await server?.stop();
      }
    });
}

async function factsOf(path: string): Promise<readonly Fact[]> { // P2
  const copy = await openCopy(path);
  if (typeof copy === 'string') throw new Mistake(`${path} cannot be used: ${copy}. Give the copy of a keeper of this run by --from FILE (runs/RUN/lineage.lmdb on the machine of each), or a backup by nats stream restore (docs/nats.md)`);
  await using store = copy;
  const facts = [...store.read(0, store.position().applied)];
  if (facts.length === 0) throw new Mistake(`${path} holds no fact`);
  return facts;
}

async function startOwn(place: Place, run: RunId): ReturnType<typeof startServer> {
  const { nats } = await findToolchain(projectRoot());
  if (!nats) throw new Mistake('nats-server is missing, and the journal is put back through one: npm run setup fetches it');
  return startServer({ binary: nats.path, dir: join(runDir(place, run), 'nats') });
}
