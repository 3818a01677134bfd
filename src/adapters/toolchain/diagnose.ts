import { execa } from 'execa';
import { access, readdir, readFile, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { bad, fine, weak, type Check } from './check.ts';
import { checkServerBinary } from './nats-server.ts';
import { findToolchain, SetupNeeded, type Toolchain } from './toolchain.ts';
import { isAtLeast } from './version.ts';

const OLDEST_NODE = '20.19.0';
const SETUP = 'npm run setup';
/** Below this a run's journal, trees and logs may not fit. */
const LEAST_DISK_BYTES = 500e6;
const SCANT_DISK_BYTES = 3e9;

/** Looks at everything a run needs on this machine, by trying it; without our own nats-server where another is used. */
export async function diagnose(root: string, { hasServer = false }: { readonly hasServer?: boolean } = {}): Promise<readonly Check[]> {
  const toolchain = await findToolchain(root).catch((error: unknown) => {
    if (error instanceof SetupNeeded) return error;
    throw error;
  });
  const checks = [checkNode(), checkDisk(root), checkPort(), checkData(root)];
  if (toolchain instanceof SetupNeeded) checks.unshift(Promise.resolve(bad('set-up', toolchain.what, `${SETUP} in ${root}`)));
  else checks.push(checkPython(toolchain), checkSandbox(toolchain));
  if (!hasServer && !(toolchain instanceof SetupNeeded)) checks.push(toolchain.nats === null ? Promise.resolve(bad('nats-server', 'set-up was told of an existing server and fetched none', 'give its address: --nats URL')) : checkServerBinary(toolchain.nats.path));
  return Promise.all(checks);
}

async function checkNode(): Promise<Check> {
  const { node } = process.versions;
  return isAtLeast(node, OLDEST_NODE) ? fine('node', node) : bad('node', `${node} is too old`, `install Node ${OLDEST_NODE} or newer`);
}

async function checkPython({ python, device }: Toolchain): Promise<Check> {
  const program = 'import platform, torch, numpy; torch.manual_seed(0); a = torch.rand(64, 64); assert torch.isfinite(a @ a).all(); print(platform.python_version(), torch.__version__)';
  const run = await execa(python, ['-I', '-c', program], { reject: false, timeout: 120_000, killSignal: 'SIGKILL' });
  if (run.failed) return bad('python', `PyTorch does not work in ${python}: ${run.timedOut ? 'it took longer than two minutes' : run.stderr.trim().split('\n').at(-1) || `exit code ${run.exitCode}`}`, `${SETUP} -- --again --only python`);
  const [version, torch] = run.stdout.trim().split(' ');
  return fine('python', `${version}, torch ${torch}, ${device} (${python})`);
}

/** What happens where bubblewrap does not hold a recipe. */
const WITHOUT = 'namespaces alone are tried, and where there are none no recipe is run but with --sandbox none';

/** Tries what the sandbox is for: no network, and nothing outside the scratch folder can be written. */
async function checkSandbox({ bwrap, root }: Toolchain): Promise<Check> {
  if (bwrap === null) return weak('sandbox', `no bubblewrap that works here: ${WITHOUT}`, 'install bubblewrap with your package manager, then npm run setup -- --again --only sandbox');
  const script = `test ! -w '${root.replaceAll("'", `'\\''`)}/package.json' && test "$(wc -l < /proc/net/route)" -le 1 && test "$(ls -d /proc/[0-9]* | wc -l)" -lt 8`;
  const run = await execa(bwrap, ['--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', 'sh', '-c', script], { reject: false, timeout: 20_000, killSignal: 'SIGKILL' });
  if (!run.failed) return fine('sandbox', 'bubblewrap: no network, files read-only, processes of its own');
  return weak('sandbox', `bubblewrap does not isolate here (${run.stderr.trim().split('\n').at(-1) || 'the trial inside failed'}): ${WITHOUT}`, 'allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)');
}

async function checkDisk(root: string): Promise<Check> {
  const { bavail, bsize } = await statfs(root);
  const says = `${(bavail * bsize / 1e9).toFixed(1)} GB free under ${root}`;
  if (bavail * bsize < LEAST_DISK_BYTES) return bad('disk', says, 'free some space: a full disk ends a run');
  return bavail * bsize < SCANT_DISK_BYTES ? weak('disk', says, 'a long run may need more: free some space') : fine('disk', says);
}

async function checkPort(): Promise<Check> {
  return new Promise((resolve) => {
    const server = createServer().once('error', (error) => resolve(bad('port', `no port can be opened on 127.0.0.1: ${error.message}`, 'allow loopback sockets for this user, or give --nats URL')));
    server.listen(0, '127.0.0.1', () => server.close(() => resolve(fine('port', 'a loopback port can be opened'))));
  });
}

async function checkData(root: string): Promise<Check> {
  const names: string[] = [];
  for (const entry of await readdir(join(root, 'evaluators')).catch(() => [])) {
    const isThere = (path: string) => access(path).then(() => true, () => false);
    if (!await isThere(join(root, 'evaluators', entry, 'prepare.mjs'))) continue;
    if (await isUpstream(root, entry)) continue;
    if (!await isThere(join(root, '.brigade', 'data', entry))) return bad('data', `evaluators/${entry} has no prepared data`, SETUP);
    names.push(entry);
  }
  return fine('data', names.length > 0 ? names.join(', ') : 'nothing to prepare');
}

/** Whether only surfaces of somebody else's repository are measured by an evaluator: whoever means to run one sets it up, and nobody else lacks it. */
async function isUpstream(root: string, evaluator: string): Promise<boolean> {
  const files = (await readdir(join(root, 'surfaces')).catch(() => [])).map((name) => join(root, 'surfaces', name, 'surface.yaml'));
  const told = (await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))).filter((text) => text.split('\n').some((line) => line.replace(/\s+#.*$/, '').trim() === `evaluator: ${evaluator}`));
  return told.length > 0 && told.every((text) => /^upstream:/m.test(text));
}
