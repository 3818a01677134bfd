import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openProcesses } from '../../src/adapters/processes/index.ts';

test.each([
  ['the system has no room for', process.execPath, 'x'.repeat(200_000), /^broker could not be started: .*E2BIG/m],
  ['is not there', '/nonexistent/program', 'x', /^broker could not be started: .*ENOENT/m],
])('a daemon whose program %s is dead and not waited for, and its log says why', async (_, program, argument, why) => {
  const logDir = await mkdtemp(join(tmpdir(), 'brigade-processes-'));
  try {
    const processes = openProcesses({ command: [program], cwd: tmpdir(), logDir, secretsOf: () => [] });
    const daemon = processes.start({ name: 'broker', args: [argument] });
    expect(await daemon.exited).toEqual({ code: null, signal: null });
    await daemon.stop();
    expect(await readFile(join(logDir, 'broker.log'), 'utf8')).toMatch(why);
  } finally {
    await rm(logDir, { recursive: true, force: true });
  }
});

test('how a daemon ended is told, by its code or by what killed it', async () => {
  const logDir = await mkdtemp(join(tmpdir(), 'brigade-processes-'));
  try {
    const processes = openProcesses({ command: ['/bin/sh', '-c'], cwd: tmpdir(), logDir, secretsOf: () => [] });
    expect(await processes.start({ name: 'broker', args: ['echo its last word >&2; exit 78'] }).exited).toEqual({ code: 78, signal: null });
    expect(await processes.start({ name: 'broker', args: ['kill -9 $$'] }).exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await readFile(join(logDir, 'broker.log'), 'utf8')).toBe('its last word\n');
  } finally {
    await rm(logDir, { recursive: true, force: true });
  }
});
