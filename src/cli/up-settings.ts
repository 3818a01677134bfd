import { access, readdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { BadSurface, field, readDescribed } from '../adapters/surfaces/index.ts';
import { TOKEN, type RunId } from '../domain/ids.ts';
import type { Role } from '../protocols/streams.ts';
import { choice } from './choice.ts';
import { Mistake } from './mistake.ts';
import { nodeName } from './place.ts';
import { natsOption, plainAddress } from './server.ts';

// What a headless daemon is told: by its flags, else by its environment, else by its file.

/** What a machine can be brought up as, with the user of the server it is. */
export const UP_ROLES = { broker: 'broker', keeper: 'lineage', evaluator: 'evaluator', specialist: 'specialist', node: 'evaluator' } as const satisfies Readonly<Record<string, Role>>;
export type UpRole = keyof typeof UP_ROLES;

/** Where the file is when nobody says so: what stands in the folder one is in goes before what was installed. */
export const USUAL_FILES = ['brigade.yaml', '/etc/brigade/brigade.yaml'] as const;

const { name, whole } = field;
const path = z.string('give a path').min(1, 'give a path');
/** The whole of brigade.yaml. */
const File = z.strictObject({
  nats: z.string('give the address of a nats-server, such as nats://head:4222'), keys: path, run: z.union([name, z.array(name).min(1).max(64)], 'give the name of a run, or a list of them'),
  node: name, slots: whole(1, 1024), sandbox: z.enum(['best', 'bubblewrap', 'namespaces', 'none'], 'give best, bubblewrap, namespaces or none'), devices: path,
  domain: name, models: path, concurrent: whole(1, 10_000),
}).partial();

/** The flags of `up`, and of whoever asks after a daemon; each may come from the environment. */
export interface UpFlags {
  readonly config?: string; readonly nats?: string; readonly keys?: string; readonly run?: readonly string[]; readonly node?: string;
  readonly slots?: string; readonly sandbox?: string; readonly devices?: string; readonly domain?: string; readonly models?: string; readonly concurrent?: string;
}

/** What holds once flags, environment and file are read. */
export interface UpSettings {
  readonly role: UpRole;
  readonly nats: string;
  readonly keys: string | null;
  /** Runs to serve; null for every run of the server. */
  readonly runs: readonly RunId[] | null;
  /** How this machine is called. */
  readonly node: string;
  /** As whom it is known to the server: by its machine, or by the one specialist whose key it bears. */
  readonly name: string;
  /** What is passed on to daemons as it was said. */
  readonly slots: string | null;
  readonly sandbox: string | null;
  readonly devices: string | null;
  readonly domain: string | null;
  readonly models: string | null;
  readonly concurrent: string | null;
}

/** Adds what a daemon and whoever asks after it both take. */
export const whoOptions = (command: Command): Command => command
  .argument('<role>', `one of ${Object.keys(UP_ROLES).join(', ')}`)
  .addOption(new Option('--config <file>', `file of settings (default ${USUAL_FILES.join(', else ')})`).env('BRIGADE_CONFIG'))
  .addOption(natsOption('the nats-server of its runs'))
  .addOption(new Option('--keys <dir>', 'folder with the nkey seed of its user').env('BRIGADE_KEYS'))
  .addOption(new Option('--run <run>', 'this run alone; several are said one by one, or with commas (default: every run of the server)').env('BRIGADE_RUN').argParser((said: string, before: readonly string[] | undefined) => [...(before ?? []), ...said.split(',').map((one) => one.trim())]))
  .addOption(new Option('--node <name>', 'name of this machine (default: its host name)').env('BRIGADE_NODE'))
  .addOption(new Option('--domain <specialist>', 'specialist: this one alone (default: all of the run)').env('BRIGADE_DOMAIN'));

/** Adds what only the daemon takes. */
export const workOptions = (command: Command): Command => command
  .addOption(new Option('--slots <n>', 'node: CPU slots to offer (default: its cores)').env('BRIGADE_SLOTS'))
  .addOption(new Option('--sandbox <level>', 'node: bubblewrap, namespaces, or none').env('BRIGADE_SANDBOX'))
  .addOption(new Option('--devices <file>', 'node: a file that says what devices there are').env('BRIGADE_DEVICES'))
  .addOption(new Option('--models <file>', 'specialist: what it thinks with (docs/models.md)').env('BRIGADE_MODELS'))
  .addOption(new Option('--concurrent <n>', 'specialist: trials it may have open at once (default 1)').env('BRIGADE_CONCURRENT'));

/** Flags over environment over file; throws `Mistake` naming the flag, or the file with line and field. */
export async function settingsFrom(asked: string, typed: UpFlags): Promise<UpSettings> {
  const flags: UpFlags = Object.fromEntries(Object.entries(typed).filter(([, said]) => said !== '' && said !== undefined && String(said) !== '')); // an empty variable says nothing
  const role = choice('the role', asked, Object.keys(UP_ROLES) as UpRole[]);
  const file = await readFileOf(flags.config);
  const within = (from: string | undefined): string | undefined => (from === undefined ? undefined : resolve(file.dir, from));
  const nats = flags.nats ?? file.said.nats;
  if (nats === undefined) throw new Mistake(`brigade ${role === 'node' ? 'up node' : `up ${role}`} has no server: give --nats URL, BRIGADE_NATS_URL, or nats: in ${flags.config ?? USUAL_FILES.join(' or ')}`);
  const runs = flags.run ?? (file.said.run === undefined ? null : [file.said.run].flat());
  const strange = runs?.find((run) => !TOKEN.test(run));
  if (strange !== undefined) throw new Mistake(`--run ${strange} must be 1 to 64 letters, digits, - or _; several are given one by one, or with commas between`);
  if (runs === null && (role === 'evaluator' || role === 'specialist')) {
    throw new Mistake(role === 'evaluator' ? 'an evaluator serves one run: give --run RUN or BRIGADE_RUN; brigade up node serves every run of the server' : 'specialists have no credential that could list runs: give --run RUN or BRIGADE_RUN');
  }
  const node = nodeName(flags.node ?? file.said.node);
  if (!TOKEN.test(node)) throw new Mistake(`--node ${node} must be 1 to 64 letters, digits, - or _`);
  const keys = flags.keys === undefined ? within(file.said.keys) ?? null : resolve(flags.keys);
  const domain = flags.domain ?? file.said.domain ?? null;
  return {
    role, nats, runs, node, keys, name: role === 'specialist' ? domain ?? await bearerIn(keys) ?? node : node,
    slots: flags.slots ?? text(file.said.slots), sandbox: flags.sandbox ?? file.said.sandbox ?? null,
    devices: flags.devices === undefined ? within(file.said.devices) ?? null : resolve(flags.devices),
    domain, models: flags.models === undefined ? within(file.said.models) ?? null : resolve(flags.models),
    concurrent: flags.concurrent ?? text(file.said.concurrent),
  };
}

/** Where each specialist has a user of its own, whoever starts them all goes by the first. */
async function bearerIn(keys: string | null): Promise<string | null> {
  const files = keys === null ? [] : await readdir(keys).catch(() => []);
  return files.includes('specialist.nk') ? null : files.sort().map((file) => /^specialist-(.+)\.nk$/.exec(file)?.[1]).find((name) => name !== undefined) ?? null;
}

const text = (said: number | undefined): string | null => (said === undefined ? null : String(said));
const isThere = (file: string): Promise<boolean> => access(file).then(() => true, () => false);

async function readFileOf(named: string | undefined): Promise<{ readonly said: z.infer<typeof File>; readonly dir: string }> {
  const found = named ?? (await isThere(USUAL_FILES[0]) ? USUAL_FILES[0] : await isThere(USUAL_FILES[1]) ? USUAL_FILES[1] : null);
  if (found === null) return { said: {}, dir: '.' };
  if (!(await isThere(found))) throw new Mistake(`${found} cannot be read: --config names a file of settings, such as the one in docs/many-machines.md`);
  const described = await readDescribed(found, found, File).catch((error: unknown) => { throw error instanceof BadSurface ? new Mistake(error.message, { cause: error }) : error; });
  try {
    if (described.value.nats !== undefined) plainAddress(described.value.nats);
  } catch (error) {
    throw new Mistake(described.problem(['nats'], 'will not do: give the address alone; a user is said by keys:.'), { cause: error });
  }
  return { said: described.value, dir: dirname(resolve(found)) };
}
