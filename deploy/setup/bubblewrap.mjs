import { chmodSync, copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { read } from './command.mjs';
import { debianSuite, unpackDebian } from './debian.mjs';
import { versionIn } from './version.mjs';

const WEAKER = 'Recipes are held by namespaces alone where these can be had; elsewhere none is run, unless you say --sandbox none';

/** Finds or fetches bubblewrap and tries it; without it, says what is weaker. Never a reason to fail. */
export async function prepareSandbox(context) {
  const { root, state, again } = context;
  const own = join(root, '.brigade', 'bin', 'bwrap');
  const settle = (mark, did) => {
    state.finish('sandbox', mark);
    return mark.path ? { line: `sandbox: bubblewrap ${mark.version}, no network`, did } : { line: `sandbox: ${mark.why}. ${WEAKER}`, did, weak: true };
  };
  if (process.platform !== 'linux') return settle({ path: null, version: null, why: `bubblewrap needs Linux, this is ${process.platform}` }, false);
  const present = await firstPresent(own);
  if (present) return settle(present, false);
  const before = state.mark('sandbox');
  if (before && before.path === null && !again) return settle(before, false);

  context.doing('sandbox: fetching bubblewrap');
  if (process.getuid?.() === 0 && await read(['apt-get', '--version'])) await installAsRoot(context);
  else await fetchOwn(context, own);
  return settle(await firstPresent(own) ?? { path: null, version: null, why: `bubblewrap is not here and could not be fetched (${context.log('sandbox')}); install it with your package manager, then npm run setup -- --again` }, true);
}

/** null when there is no bubblewrap; one that cannot make namespaces here is no sandbox. */
async function firstPresent(own) {
  let broken = null;
  for (const path of [(await read(['/bin/sh', '-c', 'command -v bwrap']))?.trim(), own].filter(Boolean)) {
    const version = versionIn(await read([path, '--version']))?.join('.');
    if (!version) continue;
    if (await read([path, '--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', 'true'], { timeoutMs: 10_000 }) !== null) return { path, version, why: null };
    broken ??= { path: null, version: null, why: `bubblewrap ${version} may not make namespaces here; allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0)` };
  }
  return broken;
}

async function installAsRoot(context) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = () => context.run('sandbox', ['apt-get', 'install', '-y', '--no-install-recommends', 'bubblewrap'], 180_000, context.root, env);
  if (!await install()) return;
  if (!await context.run('sandbox', ['apt-get', 'update'], 180_000, context.root, env)) await install();
}

async function fetchOwn(context, own) {
  const suite = debianSuite();
  const tree = suite && await unpackDebian(context, { name: 'bubblewrap', suite, step: 'sandbox' });
  if (!tree) return;
  mkdirSync(join(context.root, '.brigade', 'bin'), { recursive: true });
  const draft = `${own}.${process.pid}`;
  try {
    copyFileSync(join(tree, 'usr', 'bin', 'bwrap'), draft);
    chmodSync(draft, 0o755);
    renameSync(draft, own);
  } catch { /* an odd package is no package */ }
}
