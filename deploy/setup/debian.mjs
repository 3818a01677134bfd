import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { read } from './command.mjs';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Unpacks one Debian package of one suite into a folder, with apt's own checks and the mirror the machine already uses, without root and without installing.
 * Returns the folder, or null when this is no Debian or the package cannot be had.
 */
export async function unpackDebian(context, { name, suite, step }) {
  const mirror = debianMirror();
  if (!mirror || !await read(['dpkg', '--version'])) return null;
  const folder = join(context.root, '.brigade', 'debian', `${name}-${suite}`);
  rmSync(folder, { recursive: true, force: true });
  for (const part of ['lists/partial', 'cache/archives/partial', 'tree']) mkdirSync(join(folder, part), { recursive: true });
  const sources = join(folder, 'sources.list');
  writeFileSync(sources, `deb ${existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : ''}${mirror} ${suite} main\n`);
  const options = Object.entries({
    'Dir::Etc::sourcelist': sources, 'Dir::Etc::sourceparts': '-', 'Dir::State::lists': join(folder, 'lists'), 'Dir::Cache': join(folder, 'cache'),
    'APT::Get::List-Cleanup': '0', 'Acquire::Languages': 'none', 'Acquire::Retries': '1', 'APT::Sandbox::User': '', 'Debug::NoLocking': 'true',
  }).flatMap(([option, value]) => ['-o', `${option}=${value}`]);
  if (await context.run(step, ['apt-get', ...options, 'update'], 120_000)) return null;
  if (await context.run(step, ['apt-get', ...options, 'download', name], 120_000, folder)) return null;
  const archive = readdirSync(folder).find((file) => file.endsWith('.deb'));
  if (!archive || await context.run(step, ['dpkg', '-x', join(folder, archive), join(folder, 'tree')], 60_000)) return null;
  return join(folder, 'tree');
}

/** The code name of this Debian, or null on anything else. */
export function debianSuite() {
  try {
    const release = readFileSync('/etc/os-release', 'utf8');
    return /^ID=debian$/m.test(release) ? /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1] ?? null : null;
  } catch {
    return null;
  }
}

/** The archive the machine's own apt uses for its main suite. */
function debianMirror() {
  const suite = debianSuite();
  if (!suite) return null;
  const parts = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...(existsSync(parts) ? readdirSync(parts).map((file) => join(parts, file)) : [])].filter((file) => existsSync(file));
  for (const text of files.map((file) => readFileSync(file, 'utf8'))) {
    for (const stanza of text.split(/\n\s*\n/)) {
      const uri = /^URIs:\s*(\S+)/m.exec(stanza)?.[1];
      if (uri && new RegExp(`^Suites:.*\\b${suite}(\\s|$)`, 'm').test(stanza)) return uri;
    }
    const line = new RegExp(`^deb\\s+(?:\\[[^\\]]*\\]\\s+)?(\\S+)\\s+${suite}\\s`, 'm').exec(text);
    if (line) return line[1];
  }
  return null;
}
