import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { BadSurface } from './bad-surface.ts';
import { suggest } from '../../domain/likeness.ts';
import { describeSurface } from './surface.ts';
import { git, gitEnvironment } from './checkout.ts';
import { faultOf, readState, stateFile, unpackedDir, upstreamDir, variableOf, type UpstreamState } from './upstream.ts';
import { unpack } from './unpack.ts';

// Setting up a surface whose recipe is somebody else's: its checkout, its start, and what its evaluator prepares.
//
//   G1. Every step says what it will take before it takes it, and is passed over when it was done.
//   G2. What is half done lies under another name until it is whole; killed anywhere, the same command goes on.
//   G3. A checkout the user gave is read and never written to.
//   G4. The start that was chosen stays until another is named: every remedy of ours names the command without it, and another start is other data.

export interface SetupOptions {
  /** A checkout to take the commit from; null fetches it. */
  readonly from: string | null;
  /** A folder with the data, in the evaluator's own form; null downloads them. */
  readonly data: string | null;
  /** One of its starts; null for the one it was set up with, else the first. */
  readonly start: string | null;
  /** An interpreter whose environment the evaluator takes as it is; null lets it make one. */
  readonly python: string | null;
  /** Whether the evaluator's environment and data are prepared too. */
  readonly prepare: boolean;
  /** Any Python, to unpack a start with. */
  readonly anyPython: string;
  readonly say: (line: string) => void;
}

/** Fetches and prepares what a surface of somebody else's repository needs. Throws `BadSurface` with the remedy. */
export async function setUpSurface(root: string, surface: string, options: SetupOptions): Promise<void> {
  const { value } = await describeSurface(root, surface);
  const { say } = options;
  const { upstream } = value;
  if (!upstream) throw new BadSurface([`surface ${surface} has its recipe in its own folder: there is nothing to set up; npm run setup prepares its data.`]);
  const stands = (await readState(root, surface).catch(() => null))?.start ?? null; // a state that cannot be read is written anew
  const start = options.start ?? (stands !== null && value.starts[stands] !== undefined ? stands : Object.keys(value.starts)[0]) ?? null; // G4
  const begun = start === null ? undefined : value.starts[start];
  if (start !== null && !begun) throw new BadSurface([`surface ${surface} has no start ${JSON.stringify(start)}${suggest(start, Object.keys(value.starts))} There is ${Object.keys(value.starts).join(', ') || 'none'}.`]);

  const given = process.env[variableOf(upstream)];
  const checkout = given ?? upstreamDir(root, surface);
  const shown = relative(root, checkout) || checkout;
  const fault = await faultOf(checkout, upstream.commit);
  if (fault === null) say(`checkout      ${shown} stands at ${upstream.commit.slice(0, 12)} ✓`);
  else if (given !== undefined) throw new BadSurface([`${variableOf(upstream)}: ${fault}. Check that commit out there, or unset the variable.`]); // G3
  else await fetchCheckout(checkout, upstream, options);
  say(`licence       ${upstream.license}, as ${upstream.repository} says; nothing of it is copied into the project`);

  const unpacked: Record<string, { from: string; sha256: string }> = {};
  for (const [path, from] of Object.entries(begun?.packed ? begun.files : {})) {
    const script = await readFile(join(checkout, from));
    const text = await unpack(options.anyPython, from, script);
    await writeWhole(join(unpackedDir(root, surface), path), text);
    unpacked[path] = { from: digest(script), sha256: digest(text) };
    say(`unpacked      ${from}: ${script.length} bytes are ${text.length} of text`);
  }
  const state: UpstreamState = { start, unpacked };
  await writeWhole(stateFile(root, surface), `${JSON.stringify(state, null, 2)}\n`);
  if (start !== null && begun) say(`start         ${start}: ${begun.says}`);

  if (options.prepare) await prepare(root, value.evaluator, checkout, begun?.prepare ?? [], options);
  else say(`data          left out, and with them the environment of evaluators/${value.evaluator}`);
  say(`needs         ${upstream.needs}`);
}

async function fetchCheckout(checkout: string, upstream: { readonly repository: string; readonly commit: string; readonly size: number }, { from, say }: SetupOptions): Promise<void> {
  if (existsSync(checkout)) {
    const changed = await git(checkout, ['status', '--porcelain', '--untracked-files=no']).catch(() => '');
    if (changed !== '') throw new BadSurface([`${checkout} has changed files: put them back (git -C ${checkout} checkout -- .), or move the folder away.`]);
  }
  const source = from === null ? upstream.repository : resolve(from);
  if (from !== null && await git(source, ['cat-file', '-e', `${upstream.commit}^{commit}`]).then(() => false, () => true)) {
    throw new BadSurface([`--from ${from} is no git checkout that holds ${upstream.commit.slice(0, 12)}: fetch that commit there, or leave --from out.`]);
  }
  const parent = dirname(checkout);
  await mkdir(parent, { recursive: true });
  const { bavail, bsize } = await statfs(parent);
  const [size, free] = [upstream.size, bavail * bsize].map((bytes) => `${Math.round(bytes / 1e6)} MB`);
  say(`checkout      ${source} at ${upstream.commit.slice(0, 12)}: ${size} of ${free} free, ${from === null ? 'a minute on a fast line' : 'seconds'}`); // G1
  if (bavail * bsize < upstream.size) throw new BadSurface([`${parent} has ${free} left and the checkout takes ${size}: free some space.`]);
  const part = existsSync(checkout) ? checkout : `${checkout}.part-${process.pid}`; // two at once must not share one
  if (part !== checkout) await removeDead(`${checkout}.part`);
  await mkdir(part, { recursive: true });
  await git(part, ['init', '--quiet']);
  await loud('git', ['fetch', '--depth', '1', process.stderr.isTTY ? '--progress' : '--quiet', source, upstream.commit], part, `${source} cannot be fetched: look at the line above and run the same command again`, gitEnvironment());
  await git(part, ['checkout', '--quiet', '--force', '--detach', upstream.commit]).catch((cause: Error) => { throw new BadSurface([`${part} cannot be checked out: ${cause.message.trim().split('\n').at(-1) ?? ''}. Mend that, or move the folder away, and run the same command again.`], { cause }); });
  if (part !== checkout) await rename(part, checkout).catch(async (error: unknown) => { // G2
    if (await faultOf(checkout, upstream.commit) !== null) throw error;
    await rm(part, { recursive: true, force: true }); // another had made it first
  });
  const fault = await faultOf(checkout, upstream.commit);
  if (fault !== null) throw new BadSurface([`${fault}: remove the folder and run the same command again.`]);
}

/** Removes what set-ups that are gone had half done: a git that was killed leaves locks behind, which the next would trip over. */
async function removeDead(begun: string): Promise<void> {
  for (const name of await readdir(dirname(begun))) {
    if (!name.startsWith(basename(begun))) continue;
    const owner = Number(name.slice(basename(begun).length + 1));
    if (owner > 0 && existsSync(`/proc/${owner}`)) continue;
    await rm(join(dirname(begun), name), { recursive: true, force: true });
  }
}

/** The evaluator's own program makes its environment and its data, and says itself what it will download. Words like `NAME=value` of a start go into its environment. */
async function prepare(root: string, evaluator: string, checkout: string, extra: readonly string[], { data, python, say }: SetupOptions): Promise<void> {
  const program = join(root, 'evaluators', evaluator, 'prepare.mjs');
  if (!existsSync(program)) { say(`data          evaluators/${evaluator} prepares none`); return; }
  const out = join(root, '.brigade', 'data', evaluator);
  await mkdir(out, { recursive: true });
  say(`data          evaluators/${evaluator}/prepare.mjs into ${relative(root, out)}`); // G1: it goes on with how much and how long
  const settings = Object.fromEntries(extra.flatMap((word) => { const at = /^([A-Z_]+)=(.*)$/.exec(word); return at ? [[at[1] ?? '', at[2] ?? '']] : []; }));
  const words = extra.filter((word) => !/^[A-Z_]+=/.test(word));
  await loud(process.execPath, [program, out, '--checkout', checkout, ...(data === null ? [] : ['--from', resolve(data)]), ...(python === null ? [] : ['--python', resolve(python)]), ...words], root,
    `evaluators/${evaluator}/prepare.mjs did not finish: look at the lines above and run the same command again; --data PATH takes data you have, --python PATH an environment, --no-data leaves both out`, { ...process.env, ...settings });
}

/** Runs a program that speaks to the person at the terminal itself. */
function loud(program: string, args: readonly string[], cwd: string, problem: string, environment: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', process.stderr, process.stderr], env: { ...environment, GIT_TERMINAL_PROMPT: '0' } });
    child.once('error', (cause) => fail(new BadSurface([`${problem} (${cause.message}).`], { cause })));
    child.once('exit', (code, signal) => { if (code === 0) done(); else fail(new BadSurface([`${problem} (it ended with ${signal ?? `code ${code}`}).`])); });
  });
}

const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.${process.pid}`, text);
  await rename(`${file}.${process.pid}`, file);
}
