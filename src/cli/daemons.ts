import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { loadSurface } from '../adapters/surfaces/index.ts';
import { COMPOSER } from '../domain/components.ts';
import { runDir, type Place } from './place.ts';
import { modelOptions, type ModelFlags } from './models-flags.ts';
import { choice } from './choice.ts';
import { number } from './number.ts';
import { keysOption, natsOption } from './server.ts';
import { stand, type DaemonFlags } from './stand.ts';

// Each actor as a process of its own. Heavy modules are loaded by the daemon that needs them.

/** Adds the commands that start one actor each. */
export function daemonCommands(program: Command, place: Place): void {
  const daemon = (command: string, says: string, example: string) =>
    program.command(command).description(says)
      .requiredOption('--run <run>', 'the run to work for')
      .addOption(natsOption('its nats-server; found by itself for a run of this folder'))
      .addOption(keysOption())
      .option('--surface <name>', 'its surface, for a run that was started on another machine').option('--roster <name>', "which of the surface's rosters takes part, likewise")
      .addHelpText('after', `\nExample:\n  $ brigade ${example}`);

  daemon('broker', 'queue trials, lease slots, judge and publish results; a second one stands by', 'broker --run golf-mini-1121a')
    .action((flags: DaemonFlags, command: Command) => stand(place, 'broker', flags, command, async ({ run, ports, surface, roster, signal }) => {
      const { brokerOf } = await import('./daemon-broker.ts');
      return brokerOf(place, { run, surface, roster, ports, signal });
    }));
  daemon('keeper', 'fold the journal and answer what is known', 'keeper --run golf-mini-1121a')
    .action((flags: DaemonFlags, command: Command) => stand(place, 'lineage', flags, command, async ({ run, ports, surface, roster: chosen, session, signal }) => {
      const { startLineage } = await import('../actors/lineage/index.ts');
      const { openStore } = await import('../adapters/lmdb/index.ts');
      const { verifySignature } = await import('../adapters/signature/index.ts');
      const store = await openStore(join(runDir(place, run), 'lineage.lmdb'));
      const { roster, claims } = await loadSurface(place.root, surface, null, { roster: chosen });
      return startLineage(ports, { store, verify: verifySignature, briefs: roster, claims, copies: session.copies(run) }, { run, signal });
    }));
  daemon('evaluator', "measure trials on this machine's slots", 'evaluator --run golf-mini-1121a --slots 2')
    .option('--node <name>', 'name of this machine')
    .option('--slots <n>', 'slots to offer (default: its cores, or its GPUs)')
    .option('--sandbox <level>', 'bubblewrap, namespaces, or none (recipes are then not held at all)')
    .addOption(new Option('--devices <file>', 'a JSON file that lists its accelerators (docs/devices.md), instead of asking nvidia-smi or rocm-smi').env('BRIGADE_DEVICES'))
    .action((flags: DaemonFlags & { node?: string; slots?: string; sandbox?: string; devices?: string }, command: Command) => stand(place, 'evaluator', flags, command, async ({ run, ports, surface, signal }) => {
      const { evaluatorOf } = await import('./daemon-evaluator.ts');
      return evaluatorOf(place, { run, surface, ports, signal, node: flags.node, slots: flags.slots, sandbox: flags.sandbox, devices: flags.devices ?? null });
    }));
  modelOptions(daemon('specialist', 'read what is known and propose the next trial', 'specialist --run golf-mini-1121a --domain optimizer'))
    .requiredOption('--domain <specialist>', 'the partition it owns; a generalist owns all')
    .option('--proposer <kind>', 'how it comes to its proposals', 'search')
    .option('--seed <n>', 'seed of its choices', '0')
    .option('--concurrent <n>', 'trials it may have open at once', '1')
    .option('--no-lineage', 'know the current best and nothing else')
    .action((flags: DaemonFlags & { domain: string; proposer: string; seed: string; concurrent: string; lineage: boolean } & ModelFlags, command: Command) => stand(place, 'specialist', flags, command, async ({ run, ports, surface, roster, agents, signal }) => {
      const { specialistOf } = await import('./daemon-specialist.ts');
      const { PROPOSER_KINDS } = await import('../actors/specialist/index.ts');
      const seed = number('--seed', flags.seed, 0, Number.MAX_SAFE_INTEGER, true);
      const concurrent = number('--concurrent', flags.concurrent, 1, 10_000, true);
      return specialistOf(place, { run, surface, roster, agents, ports, signal, specialist: flags.domain, proposer: choice('--proposer', flags.proposer, [...PROPOSER_KINDS, 'llm']), seed, lineage: flags.lineage, concurrent, models: flags });
    }));
  daemon('composer', 'put together what specialists had kept apart', 'composer --run golf-mini-1121a --strategy greedy')
    .requiredOption('--strategy <name>', 'greedy or ablate')
    .option('--whole', 'take a best to pieces too that nothing lies apart from')
    .option('--concurrent <n>', 'trials it may have open at once', '1')
    .action((flags: DaemonFlags & { strategy: string; whole?: true; concurrent: string }, command: Command) => stand(place, 'specialist', { ...flags, domain: COMPOSER }, command, async ({ run, ports, surface, roster, signal }) => {
      const { composerOf } = await import('./daemon-composer.ts');
      const concurrent = number('--concurrent', flags.concurrent, 1, 10_000, true);
      return composerOf(place, { run, surface, roster, ports, signal, strategy: choice('--strategy', flags.strategy, ['greedy', 'ablate']), whole: flags.whole === true, concurrent });
    }));
  daemon('replayer', 'make the proposals of an earlier run again, as the run\'s folder holds them', 'replayer --run golf-mini-1121b')
    .action((flags: DaemonFlags, command: Command) => stand(place, 'operator', flags, command, async ({ run, ports, signal }) => { // it reads the journal, which no specialist may
      const { replayerOf } = await import('./daemon-replayer.ts');
      return replayerOf(place, { run, ports, signal });
    }));
}
