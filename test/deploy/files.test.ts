import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { addCommands } from '../../src/cli/commands.ts';
import { USUAL_FILES, settingsFrom } from '../../src/cli/up-settings.ts';
import { PAGES } from '../support/pages.ts';

// What lies in deploy/ for service managers and clusters, each file looked at by a tool that is not ours, and its every word for us held against our own help.

const ROOT = join(import.meta.dirname, '..', '..');
const KINDS = ['systemd', 'kubernetes', 'slurm', 'scripts'];
const files = KINDS.flatMap((kind) => readdirSync(join(ROOT, 'deploy', kind)).map((name) => join('deploy', kind, name)));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const run = promisify(execFile);

/** A checker on PATH or among those of this checkout; null, said aloud, when it is in neither. */
function checker(name: string): string | null {
  const found = [join(ROOT, '.brigade', 'checkers', 'bin'), ...(process.env.PATH ?? '').split(delimiter)].map((dir) => join(dir, name)).find((path) => existsSync(path)) ?? null;
  if (found === null) process.stderr.write(`SKIPPED: ${name} is not here, so the files of deploy/ that it checks were not checked by it\n`);
  return found;
}
const shellcheck = checker('shellcheck');
const systemd = checker('systemd-analyze');
const kubernetes = checker('kubernetes-validate');
const kubectl = checker('kubectl');

let dir: string;
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), 'brigade-deploy-')); });
afterAll(() => rm(dir, { recursive: true, force: true }));

const scripts = files.filter((file) => /\.(sh|sbatch)$/.test(file));
const units = files.filter((file) => file.endsWith('.service'));
const manifests = files.filter((file) => file.includes('kubernetes') && file.endsWith('.yaml'));

test('there is something of every kind to look at', () => {
  expect([scripts.length, units.length, manifests.length].every((count) => count >= 3)).toBe(true);
});

test.each(scripts)('%s is a shell script', async (file) => {
  await run('bash', ['-n', join(ROOT, file)]);
});

test.skipIf(shellcheck === null).each(scripts)('shellcheck finds nothing in %s', async (file) => {
  expect(await run(shellcheck ?? '', ['-s', 'bash', join(ROOT, file)]).catch(({ stdout }: { stdout: string }) => ({ stdout }))).toMatchObject({ stdout: '' });
});

test.skipIf(systemd === null)('systemd takes every unit, with programs where they say', async () => {
  const stand = join(dir, 'program');
  await writeFile(stand, '#!/bin/sh\n');
  await chmod(stand, 0o755);
  const copies = await Promise.all(units.map(async (file) => {
    const copy = join(dir, file.slice(file.lastIndexOf('/') + 1).replace('@.', '@night-1.'));
    await writeFile(copy, read(file).replaceAll(/\/usr\/local\/bin\/\S+/g, stand));
    return copy;
  }));
  const { stdout, stderr } = await run(systemd ?? '', ['verify', ...copies]);
  expect(`${stdout}${stderr}`).toBe('');
});

test("a node's unit asks for nothing that its sandbox could not live with", () => {
  const asked = read('deploy/systemd/brigade-node.service').split('\n').flatMap((line) => /^([A-Z]\w+)=/.exec(line)?.[1] ?? []);
  expect(asked).toEqual(expect.arrayContaining(['NoNewPrivileges', 'ProtectSystem', 'KillMode', 'TimeoutStopSec']));
  for (const harmful of ['RestrictNamespaces', 'SystemCallFilter', 'PrivateDevices', 'PrivateUsers', 'ProtectProc', 'ProcSubset', 'ProtectKernelTunables', 'ProtectKernelLogs', 'ProtectControlGroups', 'ProtectClock']) expect(asked).not.toContain(harmful);
});

describe('what a cluster is given', () => {
  const objects = manifests.flatMap((file) => parseAllDocuments(read(file)).map((document) => {
    expect(document.errors, file).toEqual([]);
    return document.toJS() as { kind: string; spec?: { selector?: { matchLabels?: object }; template?: { metadata?: { labels?: object }; spec: { containers: { name: string; args?: string[]; command?: string[]; livenessProbe?: object; readinessProbe?: object }[] } } } };
  }));

  test.skipIf(kubernetes === null).each(manifests.filter((file) => !file.endsWith('kustomization.yaml')))('%s fits the published schemas', async (file) => {
    expect(await run(kubernetes ?? '', ['-k', '1.31', '--strict', join(ROOT, file)]).then(() => '', ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}${stderr}`)).toBe('');
  });

  test.skipIf(kubectl === null)('kubectl puts the whole of it together', async () => {
    const { stdout } = await run(kubectl ?? '', ['kustomize', join(ROOT, 'deploy', 'kubernetes')]);
    expect(stdout.match(/^kind: (StatefulSet|Deployment|DaemonSet)$/gm)?.sort()).toEqual(['kind: DaemonSet', 'kind: DaemonSet', 'kind: Deployment', 'kind: Deployment', 'kind: Deployment', 'kind: StatefulSet']);
  });

  test('every workload selects its own pods, and has both probes', () => {
    const workloads = objects.filter(({ kind }) => ['StatefulSet', 'Deployment', 'DaemonSet'].includes(kind));
    expect(workloads).toHaveLength(6);
    for (const { spec } of workloads) {
      expect(spec?.template?.metadata?.labels).toMatchObject(spec?.selector?.matchLabels ?? { none: 'selected' });
      for (const container of spec?.template?.spec.containers ?? []) expect(Object.keys(container)).toEqual(expect.arrayContaining(['livenessProbe', 'readinessProbe']));
    }
  });
});

test.each([...files.filter((file) => file.endsWith('brigade.yaml')), 'deploy/kubernetes/settings.yaml'])('the settings in %s are settings', async (file) => {
  const text = read(file);
  const settings = join(dir, 'settings.yaml');
  await writeFile(settings, file.endsWith('settings.yaml') ? (parseAllDocuments(text)[0]?.toJS() as { data: Record<string, string> }).data['brigade.yaml'] ?? '' : text);
  expect(await settingsFrom('node', { config: settings })).toMatchObject({ role: 'node', runs: null });
});

describe('every word for brigade that a file of deploy/ or a page says', () => {
  const told = [...files, 'docs/many-machines.md'];
  const program = new Command('brigade');
  addCommands(program, { root: ROOT, runs: join(ROOT, 'runs') });
  const helpOf = (command: Command): string => {
    let help = '';
    command.configureOutput({ writeOut: (text) => { help += text; } }).outputHelp();
    return help;
  };
  const all = new Map<string, string>();
  const walk = (command: Command, path: string): void => { all.set(path, helpOf(command)); for (const one of command.commands) walk(one, `${path}${path === '' ? '' : ' '}${one.name()}`); };
  walk(program, '');

  /** Command lines for brigade, however the file spells them: words, a list of YAML, or an array of a script. */
  const linesOf = (file: string): string[] => read(file)
    .replaceAll('"${BRIGADE[@]}" ', 'brigade ').replaceAll(/\(("\$\{BRIGADE\[@\]\}")? ?(up|health) /g, '(brigade $2 ')
    .replaceAll(/args: \[([^\]]*)\]/g, (_, list: string) => `brigade ${list.replaceAll(/[",]/g, ' ')}\n`).replaceAll(/command: \[brigade,([^\]]*)\]/g, (_, list: string) => `brigade ${list.replaceAll(/[",]/g, ' ')}\n`)
    .replaceAll('/usr/local/bin/brigade', 'brigade').replaceAll(/-n brigade\b/g, '').replaceAll(/ {2,}/g, ' ').split('\n')
    .flatMap((line) => [...line.matchAll(/(?<![\w/.-])brigade ([a-z][^`|;&#)\n]*)/g)].map(([, rest = '']) => rest.trim().replaceAll(/\s+/g, ' ')));

  const commandIn = (line: string): string | null => [...all.keys()].filter((path) => path !== '' && (line === path || line.startsWith(`${path} `))).sort((a, b) => b.length - a.length)[0] ?? null;

  test.each([...new Set([...told, ...PAGES])])('%s: commands, roles and flags exist', (file) => {
    for (const line of linesOf(file)) {
      const path = commandIn(line);
      if (path === null) { expect(line, 'a sentence, not a command').not.toMatch(/ --|^(up|health|run|nats) /); continue; }
      const help = all.get(path) ?? '';
      const flags = line.replaceAll(/"[^"]*"/g, '').match(/(?<= )--[a-z][a-z-]*/g) ?? []; // what is quoted is another program's
      for (const flag of flags) expect(help.includes(flag) || flag === '--help', `${file}: brigade ${path} has no ${flag} (${line})`).toBe(true);
      const role = /^(?:up|health) ([a-z]+)/.exec(line)?.[1];
      if (role !== undefined) expect(help, line).toMatch(new RegExp(`one of [^\\n]*(\\n[^\\n]*)?\\b${role}\\b`));
    }
  });

  test('a made-up flag, role or variable would be found', () => {
    expect(commandIn('up janitor')).toBe('up');
    expect(all.get('up')).not.toContain('janitor');
    expect(all.get('up')).toContain('BRIGADE_SLOTS');
    expect(linesOf('deploy/kubernetes/broker.yaml')).toEqual(expect.arrayContaining(['up broker', 'health broker', 'health broker --live']));
    expect(linesOf('deploy/scripts/machine.sh').filter((line) => line.startsWith('up broker --node'))).not.toEqual([]);
  });

  test.each(told)('%s: variables exist', async (file) => {
    const setup = await run(process.execPath, [join(ROOT, 'deploy', 'setup.mjs'), '--help']);
    const known = `${[...all.values()].join('\n')}${setup.stdout}`;
    for (const variable of new Set(read(file).match(/\bBRIGADE_[A-Z]+(_[A-Z]+)*\b/g) ?? [])) expect(known, `${file} says ${variable}, which nothing reads`).toContain(variable);
  });
});

test('the file of settings is looked for where the units and the image put it', () => {
  expect(USUAL_FILES).toContain('/etc/brigade/brigade.yaml');
  expect(read('deploy/kubernetes/broker.yaml')).toContain('/etc/brigade/brigade.yaml');
});
