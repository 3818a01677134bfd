import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';

/** What set-up found or installed on this machine. */
export interface Toolchain {
  readonly root: string;
  /** The interpreter with PyTorch. */
  readonly python: string;
  readonly pythonVersion: string;
  readonly torchVersion: string;
  readonly device: 'cpu' | 'cuda';
  /** null when set-up was told of an existing server instead. */
  readonly nats: { readonly path: string; readonly version: string } | null;
  /** null when there is no bubblewrap that works here. */
  readonly bwrap: string | null;
  /** Prepared data lies in a folder per evaluator in here. */
  readonly dataDir: string;
  readonly brigadeVersion: string;
}

/** Set-up was never finished here, or what it made is gone or out of date. */
export class SetupNeeded extends Error {
  /** What is the matter, without the remedy. */
  readonly what: string;
  /** Its remedy names the folder, because whoever searches a project of their own stands elsewhere. */
  constructor(what: string, root: string, options?: ErrorOptions) {
    super(`${what}: npm run setup in ${root}`, options);
    this.name = 'SetupNeeded';
    this.what = what;
  }
}

const Key = z.string().max(4096);
const Place = z.string().min(1).max(4096);
const Version = z.string().max(100);

const SetupFile = z.strictObject({
  root: Place,
  brigade: Version,
  pins: z.string().length(64).nullable(),
  steps: z.strictObject({
    build: z.strictObject({ key: Key }).optional(),
    evaluators: z.strictObject({ sets: z.record(z.string().max(100), Key) }).optional(),
    python: z.strictObject({ key: Key, path: Place, version: Version, torch: Version, numpy: Version, device: z.enum(['cpu', 'cuda']), own: z.boolean() }).optional(),
    testPython: z.strictObject({ key: Key, path: Place }).optional(),
    nats: z.strictObject({ path: Place.nullable(), version: Version.nullable() }).optional(),
    sandbox: z.strictObject({ path: Place.nullable(), version: Version.nullable(), why: z.string().max(4096).nullable() }).optional(),
  }),
});

/** The folder that holds package.json, surfaces/ and .brigade/, from wherever this file was compiled to. */
export function projectRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** Reads what set-up left in .brigade/setup.json; throws `SetupNeeded` when it is missing, unfinished or stale. */
export async function findToolchain(root: string): Promise<Toolchain> {
  const { pins, steps, brigade } = await readSetup(root);
  const { python, nats, sandbox } = steps;
  if (!python) throw new SetupNeeded('set-up is unfinished, there is no Python yet', root);
  if (!nats) throw new SetupNeeded('set-up is unfinished, there is no nats-server yet', root);
  if (!sandbox) throw new SetupNeeded('set-up is unfinished, the sandbox was not tried yet', root);
  if (pins === null) throw new SetupNeeded('set-up is unfinished', root);
  if (pins !== await currentPins(root)) throw new SetupNeeded('set-up is stale, the pinned versions have changed since', root);
  for (const path of [python.path, nats.path, sandbox.path]) {
    if (path !== null) await access(path).catch((cause: unknown) => { throw new SetupNeeded(`set-up is stale, ${path} is gone`, root, { cause }); });
  }
  return {
    root,
    python: python.path,
    pythonVersion: python.version,
    torchVersion: python.torch,
    device: python.device,
    nats: nats.path !== null && nats.version !== null ? { path: nats.path, version: nats.version } : null,
    bwrap: sandbox.path,
    dataDir: join(root, '.brigade', 'data'),
    brigadeVersion: brigade,
  };
}

async function readSetup(root: string): Promise<z.infer<typeof SetupFile>> {
  const file = join(root, '.brigade', 'setup.json');
  const text = await readFile(file, 'utf8').catch((cause: unknown) => { throw new SetupNeeded('nothing is set up here yet', root, { cause }); });
  let parsed: z.infer<typeof SetupFile>;
  try {
    parsed = SetupFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new SetupNeeded('.brigade/setup.json is not one that this version reads', root, { cause });
  }
  if (parsed.root !== await realpath(root)) throw new SetupNeeded(`set-up was done for ${parsed.root}, and Python environments do not move`, root);
  return parsed;
}

async function currentPins(root: string): Promise<string> {
  return createHash('sha256').update(await readFile(join(root, 'deploy', 'setup', 'pins.json'))).digest('hex');
}
