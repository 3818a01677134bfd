import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { inboxPrefix, tlsBeside } from '../adapters/nats/index.ts';
import { Mistake } from './mistake.ts';
import { findRun, keyFileOf, readLive, type Place } from './place.ts';
import { natsConfigCommand } from './nats-config.ts';
import { requireOwn } from './read-only.ts';

/** A context of the stock nats CLI: everything it needs to watch and steer one run. */
export interface NatsContext { readonly description: string; readonly url: string; readonly nkey: string; readonly inbox_prefix: string; readonly ca?: string; readonly cert?: string; readonly key?: string }

/** The context with which a person watches and steers a run; no key is a server that asks for none. */
function contextFor(run: string, url: string, keyFile: string | null): NatsContext {
  const { caFile: ca, certFile: cert, keyFile: key } = (keyFile === null ? null : tlsBeside(keyFile)) ?? {};
  return { description: `Brigade run ${run}, as its operator`, url, nkey: keyFile ?? '', inbox_prefix: inboxPrefix('operator'), ...(ca === undefined ? {} : { ca }), ...(cert === undefined || key === undefined ? {} : { cert, key }) };
}

/** Where the stock CLI looks for contexts. */
export const contextFile = (run: string, environment: Readonly<Record<string, string | undefined>>): string =>
  join(environment.XDG_CONFIG_HOME ?? join(environment.HOME ?? homedir(), '.config'), 'nats', 'context', `brigade-${run}.json`);

/** What a person may type then. */
const examples = (run: string, context: string): string[] => [
  `nats --context ${context} sub 'brigade.>'                                 # everything that is said`,
  `nats --context ${context} sub 'brigade.evt.*.trial.result.>'              # results as they come`,
  `nats --context ${context} stream view BRIGADE_EVT_${run}                  # the journal from its start`,
  `nats --context ${context} micro ls                                        # who is there`,
  `nats --context ${context} req brigade.cmd.broker.state ''                 # what the broker waits for`,
  `nats --context ${context} req brigade.cmd.run.pause.${run} ''             # and brigade.cmd.run.resume.${run}`,
];

/** `brigade nats context`: hands a run's credentials to the stock nats CLI. */
export function natsCommand(program: Command, place: Place, out: { write(text: string): unknown }): void {
  const nats = program.command('nats').description('use the stock nats CLI on a run, and make the configuration of a nats-server')
    .addHelpText('after', '\nExample:\n  $ brigade nats context golf-mini-1121a --save');
  natsConfigCommand(nats, place, out);
  nats.command('context [run]').description('print a context of the stock nats CLI, or save it where that CLI looks')
    .option('--save', 'write it into the contexts of the nats CLI')
    .option('--json', 'print the context alone')
    .addHelpText('after', "\nExample:\n  $ brigade nats context golf-mini-1121a --save\n  $ nats --context brigade-golf-mini-1121a sub 'brigade.>'")
    .action(async (name: string | undefined, flags: { save?: boolean; json?: boolean }) => {
      const file = await findRun(place, name);
      await requireOwn(place, file.run, 'it has no server');
      const live = await readLive(place, file.run);
      const url = live?.url ?? file.url;
      if (url === null) throw new Mistake(`${file.run} is not running, and its own server with it: brigade run --resume ${file.run} goes on, and brigade results ${file.run} reads what it left`);
      const context = contextFor(file.run, url, keyFileOf(file, 'operator'));
      const path = contextFile(file.run, process.env);
      if (flags.save) {
        await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
        await writeFile(path, `${JSON.stringify(context, null, 2)}\n`, { mode: 0o600 });
      }
      if (flags.json) { out.write(`${JSON.stringify(context)}\n`); return; }
      out.write(flags.save ? `saved ${path}\n` : `${JSON.stringify(context, null, 2)}\nsave it with --save, then:\n`);
      for (const line of examples(file.run, `brigade-${file.run}`)) out.write(`${line}\n`);
    });
}
