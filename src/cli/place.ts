import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../adapters/toolchain/index.ts';
import type { RunId } from '../domain/ids.ts';
import { TOKEN } from '../domain/ids.ts';
import { userId } from '../protocols/authority.ts';
import type { Role } from '../protocols/streams.ts';
import { Mistake, nearest } from './mistake.ts';

/** Where things lie on this machine. */
export interface Place {
  /** The project: surfaces/, evaluators/ and what was measured with them (.brigade/) lie in it. What set-up made lies in the program's own folder, `projectRoot()`. */
  readonly root: string;
  readonly runs: string;
}

/** Who one is, and whose a path is, in the numbers of the system. */
interface Users { readonly me: number; readonly ownerOf: (path: string) => number }

const realUsers: Users = { me: process.geteuid?.() ?? 0, ownerOf: (path) => statSync(path).uid };

/**
 * The project one stands in: the nearest folder upwards with a surface in it, else this program's own. Runs go to `runs/` in it, or where BRIGADE_RUNS says.
 * What lies in a project is run as whoever stands in it, so it must be theirs, root's, or of the owner of the folder they went into. Throws `Mistake`.
 */
export function findPlace(environment: Readonly<Record<string, string | undefined>>, from: string = process.cwd(), { me, ownerOf }: Users = realUsers): Place {
  let root = from;
  while (!hasSurface(root) && dirname(root) !== root) root = dirname(root);
  if (!hasSurface(root)) root = projectRoot();
  else if (root !== projectRoot()) for (const path of [root, join(root, 'surfaces'), join(root, 'evaluators')].filter((each) => existsSync(each))) {
    const owner = ownerOf(path);
    if ([me, ROOT, ownerOf(from)].includes(owner)) continue;
    throw new Mistake(`${path} is taken for the project of this folder, and it belongs to another user (number ${owner}; you are ${me}): its code would run as you. ${root === from ? 'Work in a folder of your own' : `If you trust them, cd ${root} first`}; if it is no project of yours, go where it does not lie above you`);
  }
  return { root, runs: resolve(environment.BRIGADE_RUNS ?? join(root, 'runs')) };
}

/** Who could do anything as anybody anyway. */
const ROOT = 0;

/** A folder called surfaces/ may be anything; one with a surface.yaml in it is ours. */
function hasSurface(folder: string): boolean {
  const surfaces = join(folder, 'surfaces');
  try { return readdirSync(surfaces).some((name) => existsSync(join(surfaces, name, 'surface.yaml'))); } catch { return false; }
}

const RunFileSchema = z.strictObject({
  run: z.string().regex(TOKEN), surface: z.string(),
  /** A server somebody else runs; null for the run's own. */
  url: z.string().nullable(),
  /** Folder with one key file a role; null when the server asks for none. */
  keys: z.string().nullable(),
  /** Which of the surface's rosters takes part; null for its own. */
  roster: z.string().nullable().optional(),
  /** The specialists that take part in its arm. */
  agents: z.array(z.string()).optional(),
});
/** How to reach a run's server, written once when the run is made. */
export type RunFile = z.infer<typeof RunFileSchema>;

const LiveFileSchema = z.strictObject({ pid: z.int(), born: z.int(), url: z.string() });
/** Says that somebody runs it now, and where its server listens. */
export type LiveFile = z.infer<typeof LiveFileSchema>;

export const runDir = (place: Place, run: RunId): string => join(place.runs, run);

/** Where the prepared data of the project's evaluators lies, a folder each. */
export const dataDir = (place: Place): string => join(place.root, '.brigade', 'data');

/** The command that makes the data that an evaluator lacks: set-up prepares only what lies beside this program. */
export function preparationOf(place: Place, surface: string, { name, isMadeFromUpstream }: { readonly name: string; readonly isMadeFromUpstream: boolean }): string {
  if (isMadeFromUpstream) return `brigade surfaces setup ${surface}`;
  return place.root === projectRoot() ? 'npm run setup' : `node evaluators/${name}/prepare.mjs .brigade/data/${name} in ${place.root}`;
}

/** Every run that was made here, newest last. */
export async function listRunFiles(place: Place): Promise<RunFile[]> {
  const names = await readdir(place.runs).catch(() => []);
  const files = await Promise.all(names.map(async (name) => ({ file: await readJson(join(place.runs, name, 'run.json'), RunFileSchema), born: await born(join(place.runs, name, 'run.json')) })));
  return files.flatMap(({ file, born: at }) => (file ? [{ file, at }] : [])).sort((a, b) => a.at - b.at).map(({ file }) => file);
}

/** The run of that name, or the newest when none is named. Throws `Mistake` with the nearest name. */
export async function findRun(place: Place, name: string | undefined): Promise<RunFile> {
  const all = await listRunFiles(place);
  const found = name === undefined ? all.at(-1) : all.find(({ run }) => run === name);
  if (found) return found;
  if (name === undefined) throw new Mistake('there is no run yet: start one with brigade run golf-mini');
  const near = nearest(name, all.map(({ run }) => run));
  throw new Mistake(`there is no run ${name}${near ? `; did you mean ${near}?` : ';'} brigade runs lists them`);
}

/** Who runs it now; null when nobody does, a crashed one included, whoever has its process number by now. */
export async function readLive(place: Place, run: RunId): Promise<LiveFile | null> {
  const live = await readJson(liveFile(place, run), LiveFileSchema);
  return live && (await birthOf(live.pid)) === live.born ? live : null;
}

/** Where it stands who runs a run. */
export const liveFile = (place: Place, run: RunId): string => join(runDir(place, run), 'live.json');

/** Writes the run's own file; what it says must have been tried. */
export const writeRunFile = (place: Place, file: RunFile): Promise<void> => writeWhole(join(runDir(place, file.run), 'run.json'), file);
/** Says that this process runs it, with a server at `url`. */
export const writeLive = async (place: Place, run: RunId, url: string): Promise<void> => writeWhole(liveFile(place, run), { pid: process.pid, born: await birthOf(process.pid), url });
export const removeLive = (place: Place, run: RunId): Promise<void> => rm(liveFile(place, run), { force: true });

/** The key file of a role, of this one of its name where there is such a file; null when the server asks for none. */
export function keyFileOf({ keys }: Pick<RunFile, 'keys'>, role: Role, name: string | null = null): string | null {
  if (keys === null) return null;
  const own = join(keys, `${userId({ role, name })}.nk`);
  return name === null || existsSync(own) ? own : join(keys, `${role}.nk`);
}

/** How this machine is called as a node, unless told otherwise. */
export const nodeName = (named: string | undefined): string => named ?? ((hostname().split('.')[0] ?? '').replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 64) || 'node');

/** A name nobody has used, and nobody else will: surface, month, day, and a letter. Its folder is made, which only one of two that start at once can do. */
export async function freshRunId(place: Place, surface: string, now: Date): Promise<RunId> {
  const day = `${String(now.getMonth() + 1).padStart(2, '0')}${String(now.getDate()).padStart(2, '0')}`;
  await mkdir(place.runs, { recursive: true });
  for (let n = 0; ; n++) {
    const letters = n < 26 ? String.fromCharCode(97 + n) : `${String.fromCharCode(96 + Math.floor(n / 26))}${String.fromCharCode(97 + (n % 26))}`;
    const run = `${surface}-${day}${letters}`;
    try {
      await mkdir(runDir(place, run));
      return run;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

/** When a living process was born, in the kernel's ticks: with its number it names one process, and after a restart no other. */
async function birthOf(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ' ) Z');
  const [state = 'Z', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before may hold anything
  return 'ZX'.includes(state) ? null : Number(fields[18]);
}

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | null> {
  try { return schema.parse(JSON.parse(await readFile(file, 'utf8'))); } catch { return null; }
}

const born = (file: string): Promise<number> => stat(file).then((found) => found.mtimeMs, () => 0);

async function writeWhole(file: string, body: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(body, null, 2)}\n`, { flush: true }); // an empty one after a power cut would hide a run whose journal is whole
  await rename(draft, file);
}
