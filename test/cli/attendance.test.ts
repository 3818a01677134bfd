import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { startWard } from '../../src/actors/supervisor/index.ts';
import { openClock } from '../../src/adapters/clock/index.ts';
import { openProcesses } from '../../src/adapters/processes/index.ts';
import { attend, type Attendance, type Wanted } from '../../src/cli/attendance.ts';

// Keeping what the runs of a server want alive: real children, and a server that says what a test wants it to.

/** Ends when told by SIGTERM, as one that was held does, and at once when its lifeline closes. */
const HOLDER = 'trap "echo told >&2; held=" TERM; held=1; exec 3<&0; (cat <&3 >/dev/null; kill -KILL $$) & while [ -n "$held" ]; do sleep 0.05; done; exit 143';
/** Holds something for ever. */
const STUBBORN = 'trap "" TERM; exec 3<&0; (cat <&3 >/dev/null; kill -KILL $$) & while :; do sleep 0.05; done';

const open: { draining: AbortController; hurrying: AbortController; attendance: Attendance }[] = [];
afterEach(async () => { for (const { draining, hurrying, attendance } of open.splice(0)) { draining.abort(); hurrying.abort(); await attendance.ended; } });

function rig(wanted: () => Omit<Wanted, 'lacks'> | Promise<Wanted>) {
  const said: { level: string; message: string }[] = [];
  const [draining, hurrying] = [new AbortController(), new AbortController()];
  const processes = openProcesses({ command: ['/bin/sh', '-c'], cwd: tmpdir(), logDir: null, secretsOf: () => [] });
  const clock = openClock();
  const log = (level: string, message: string): void => { said.push({ level, message }); };
  let ready = 0;
  const attendance = attend({ look: async () => ({ lacks: [], ...await wanted() }), keep: (daemon, onChange) => startWard(daemon, { processes, clock, log, onChange }), clock, log, onChange: () => undefined, onReady: () => { ready += 1; }, draining: draining.signal, hurrying: hurrying.signal });
  const made = { draining, hurrying, attendance, said, ready: () => ready };
  open.push(made);
  return made;
}
const until = (what: () => void): Promise<void> => vi.waitFor(what, { timeout: 60_000, interval: 20 });
const daemon = (name: string, script: string) => ({ name, args: [script], run: 'a', surface: 'tiny', roster: null, specialist: null });

test('what a run wants is started, started again when it dies, and let go when nothing wants it any more', async () => {
  let daemons = [daemon('evaluator-a', HOLDER), daemon('evaluator-b', 'exit 1')];
  const { attendance, said, ready } = rig(() => ({ daemons, isOver: false }));
  expect(attendance.state()).toBe('looking');
  await until(() => { expect(attendance.daemons()).toMatchObject({ 'evaluator-a': 'alive' }); });
  await until(() => { expect(said.filter(({ message }) => message === 'evaluator-b died and is started again').length).toBeGreaterThan(1); });
  expect(ready()).toBe(1);
  daemons = [];
  await until(() => { expect([attendance.daemons(), attendance.state()]).toEqual([{}, 'waiting']); });
});

test('one that only a person can mend is given up and said so, and the others go on', async () => {
  const { attendance, said } = rig(() => ({ daemons: [daemon('evaluator-a', HOLDER), daemon('evaluator-b', 'exit 78')], isOver: false }));
  await until(() => { expect(attendance.daemons()).toEqual({ 'evaluator-a': 'alive', 'evaluator-b': 'lost' }); });
  expect(attendance.state()).toBe('mending');
  expect(said).toContainEqual({ level: 'error', message: 'evaluator-b was given up: its last line says why. It is tried again in 5 minutes' });
});

test('a daemon that could not even be started is tried again, and why is said', async () => {
  const logDir = await mkdtemp(join(tmpdir(), 'brigade-ward-'));
  const processes = openProcesses({ command: ['/bin/sh', '-c'], cwd: tmpdir(), logDir, secretsOf: () => [] });
  await rm(logDir, { recursive: true });
  const said: string[] = [];
  const ward = startWard({ name: 'evaluator-a', args: [HOLDER] }, { processes, clock: openClock(), log: (_level, message) => { said.push(message); }, onChange: () => undefined });
  await until(() => { expect(said[0]).toMatch(/^evaluator-a could not be started and is tried again: ENOENT: no such file or directory, open /); });
  await mkdir(logDir);
  await until(() => { expect(existsSync(join(logDir, 'evaluator-a.log'))).toBe(true); });
  expect(ward.state()).toBe('alive');
  await ward.release('now');
  await rm(logDir, { recursive: true });
});

test('what was wanted and cannot be given is told as long as it is so', async () => {
  let lacks = ['b is not served by this node: it has no GPU'];
  const { attendance } = rig(async () => ({ daemons: [], isOver: false, lacks }));
  await until(() => { expect([attendance.state(), attendance.lacks()]).toEqual(['waiting', lacks]); });
  lacks = [];
  await until(() => { expect(attendance.lacks()).toEqual([]); });
});

test('a server that does not answer changes nothing of what runs, and is complained of once', async () => {
  let isThere = true;
  let looks = 0;
  const { attendance, said } = rig(() => { looks += 1; if (isThere) return { daemons: [daemon('keeper-a', HOLDER)], isOver: false }; throw new Error('no answer'); });
  await until(() => { expect(attendance.state()).toBe('serving'); });
  isThere = false;
  const before = looks;
  await until(() => { expect(looks).toBeGreaterThan(before + 1); });
  expect(attendance.daemons()).toEqual({ 'keeper-a': 'alive' });
  expect(said.filter(({ message }) => message.includes('cannot be looked up now: no answer'))).toHaveLength(1);
});

test('asked to end, it lets every daemon finish; asked again, those that do not are gone at once', async () => {
  const { attendance, draining, hurrying } = rig(() => ({ daemons: [daemon('evaluator-a', HOLDER), daemon('evaluator-b', STUBBORN)], isOver: false }));
  await until(() => { expect(attendance.daemons()).toEqual({ 'evaluator-a': 'alive', 'evaluator-b': 'alive' }); });
  draining.abort();
  let isOver = false;
  void attendance.ended.then(() => { isOver = true; });
  expect(attendance.state()).toBe('draining');
  expect(isOver).toBe(false);
  hurrying.abort();
  await attendance.ended;
});

test('it ends by itself when nothing will ever be wanted again', async () => {
  let isOver = false;
  const { attendance } = rig(() => ({ daemons: isOver ? [] : [daemon('specialist-a', HOLDER)], isOver }));
  await until(() => { expect(attendance.state()).toBe('serving'); });
  isOver = true;
  await attendance.ended;
});
