import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { detectLevel, openSandbox, SandboxUnavailable, type Groups } from '../../src/adapters/sandbox/index.ts';
import { bench, bwrap, expectNobody, INDEX, levels, python, READY, until } from '../adversarial/sandboxed.ts';

const held = await levels();

describe.each(held)('a phase at level %s', (level) => {
  test('ends with its exit code, what it printed, and the files it left', async () => {
    await using on = await bench(level);
    writeFileSync(join(on.folder, 'scratch', 'given'), 'artifact');
    const end = await on.run(`
import os, sys
print(open('/work/given').read(), os.getcwd(), os.environ['SEED'], os.environ['OMP_NUM_THREADS'], file=sys.stderr)
os.mkdir('out'); open('out/result', 'w').write('made')
sys.exit(3)
`, { env: { SEED: '7', BRIGADE_MARK: on.mark } });
    expect(end).toMatchObject({ kind: 'exited', code: 3, scored: null, logTail: 'artifact /work 7 1\n' });
    expect(end.seconds).toBeGreaterThan(0);
    expect(end.seconds).toBeLessThanOrEqual(end.wallSeconds);
    expect(readFileSync(join(on.folder, 'scratch', 'out', 'result'), 'utf8')).toBe('made');
    expect(readFileSync(join(on.folder, 'log'), 'utf8')).toBe(end.logTail);
    expectNobody(on);
  });

  test('is scored by a program outside that speaks with it and with an auditor that sees only what was there at the start', async () => {
    await using on = await bench(level);
    writeFileSync(join(on.folder, 'scratch', 'artifact'), 'weights');
    writeFileSync(join(on.folder, 'evaluator', 'auditor.py'), `
import os
try: open('/work/new', 'w'); mine = 'writable'
except OSError: mine = 'read-only'
os.read(3, 9)
os.write(3, f"{sorted(os.listdir('/work'))} {mine}".encode())
os.read(3, 1)
`);
    writeFileSync(join(on.folder, 'evaluator', 'scorer.py'), `
import json, os, sys
asked = json.load(sys.stdin)
answer = os.read(3, 99).decode()
os.write(4, b'?')
print(json.dumps({'asked': asked, 'command': answer, 'auditor': os.read(4, 99).decode(), 'secret': os.environ.get('BRIGADE_MARK')}))
`);
    const end = await on.run(`${READY}
open('/work/planted', 'w').close()
os.write(3, open('/work/artifact').read().encode())
while os.read(3, 1): pass
`, { auditor: ['python', '/eval/auditor.py'], scorer: { command: ['python', 'scorer.py'], request: '{"seed":1}' } });
    expect(end).toMatchObject({ kind: 'exited', code: 0, scored: { asked: { seed: 1 }, command: 'weights', auditor: "['artifact'] read-only", secret: null } });
    expectNobody(on);
  });

  test.each([
    ['says nothing', 'pass', /not one JSON value/],
    ['says NaN', 'print("NaN")', /not one JSON value/],
    ['says null', 'print("null")', /its output is null/],
    ['says two things', 'print("1\\n2")', /not one JSON value/],
    ['fails', 'raise SystemExit("no held-out text")', /exit code 1: no held-out text/],
  ])('ends as a failure of the scorer when that %s', async (_, source, message) => {
    await using on = await bench(level);
    writeFileSync(join(on.folder, 'evaluator', 'scorer.py'), source);
    const end = await on.run(`${READY}while os.read(3, 1): pass\nimport time; time.sleep(100)\n`, { scorer: { command: ['python', 'scorer.py'], request: '{}' } });
    expect(end).toMatchObject({ kind: 'scorer-failed', scored: null, message: expect.stringMatching(message) as string });
    expectNobody(on);
  });

  test('that dies while it is being scored ends as its own death, unscored', async () => {
    await using on = await bench(level);
    writeFileSync(join(on.folder, 'evaluator', 'scorer.py'), 'import os, sys\nsys.exit(0 if os.read(3, 1) else "the command has gone")\n');
    const end = await on.run(`${READY}raise ValueError('broken model')\n`, { scorer: { command: ['python', 'scorer.py'], request: '{}' } });
    expect(end).toMatchObject({ kind: 'exited', code: 1, scored: null, logTail: expect.stringContaining('ValueError: broken model') as string });
  });

  test.each(['calibrated', 'wall'] as const)('is not charged for its auditor by a clock that is %s', async (clock) => {
    await using on = await bench(level);
    writeFileSync(join(on.folder, 'evaluator', 'auditor.py'), `${READY}import time\nwhile time.process_time() < 0.4: pass\nos.write(3, b"x")\nos.read(3, 2)\n`);
    writeFileSync(join(on.folder, 'evaluator', 'scorer.py'), 'import os\nos.read(3, 1)\nos.write(4, b"?")\nos.read(4, 1)\nprint(1)\n');
    const end = await on.run(`${READY}os.write(3, b'.')\nos.read(3, 1)\n`, {
      clock, auditor: ['python', '/eval/auditor.py'], scorer: { command: ['python', 'scorer.py'], request: '{}' },
      stamps: join(on.folder, 'stamps'), milestones: [{ name: 'trick', until: null, seconds: 20 }],
    });
    expect(end).toMatchObject({ kind: 'exited', scored: 1, milestones: [{ name: 'trick', reached: true }] });
    expect(end.wallSeconds - (end.milestones?.[0]?.seconds ?? NaN)).toBeGreaterThan(0.4);
    if (clock === 'wall') expect(end.wallSeconds - end.seconds).toBeGreaterThan(0.4);
    else expect(end.seconds).toBeLessThan(0.3);
  });

  test('follows another on the same slot without seeing anything of it', async () => {
    await using on = await bench(level);
    await on.run("open('/tmp/left', 'w').close()\nopen('/dev/shm/left', 'w').close()\n");
    expect((await on.run("import os\nprint(os.listdir('/tmp'), os.listdir('/dev/shm'))\n")).logTail).toBe('[] []\n');
  });
});

describe.each((['v1', 'v2', 'tree'] as const).flatMap((groups) => held.map((level) => [groups, level] as const)))('processes held by %s at level %s', (groups: Groups, level) => {
  test('are timed, frozen, limited in number and all dead at the end', async () => {
    await using on = await bench(level, { groups });
    if (on.slot.warden.opened.groups.includes('no control groups') !== (groups === 'tree')) {
      console.warn(`control groups ${groups} cannot be written here; the process tree was tested in their place`);
    }
    const end = await on.run(`${READY}
import time
children = 0
try:
    while children < 100:
        if os.fork() == 0:
            os.setsid()
            time.sleep(1000)
        children += 1
except OSError: pass
print(children < 48, flush=True)
while True: pass
`, { clock: 'calibrated', budgetSeconds: 1 });
    expect(end).toMatchObject({ kind: 'over-budget', by: 'clock', logTail: 'True\n' });
    expect(end.seconds).toBeLessThan(1.5);
    expectNobody(on);
  });
});

describe.each(held)('a process tree without control groups at level %s', (level) => {
  test('is timed from one child to the next, where nobody waits for the dead', async () => {
    await using on = await bench(level, { groups: 'tree' });
    const three = (before: string): string => `${READY}
import signal, time
${before}
for _ in range(3):
    if os.fork() == 0:
        while time.process_time() < 0.3: pass
        os._exit(0)
    try: os.wait()
    except OSError: pass
`;
    const waited = await on.run(three(''), { clock: 'calibrated' });
    const ignored = await on.run(three('signal.signal(signal.SIGCHLD, signal.SIG_IGN)'), { clock: 'calibrated' });
    expect([waited.kind, ignored.kind]).toEqual(['exited', 'exited']);
    expect(ignored.seconds).toBeGreaterThan(0.5 * waited.seconds); // the last of them alone would be a third
  });
});

describe('the level', () => {
  test('falls back from bubblewrap to namespaces, and says why', async () => {
    const options = { python, bwrap: null, level: 'best' as const, scratchRoot: join(tmpdir(), `brigade-level-${process.pid}`) };
    const found = await detectLevel(options);
    if (held.includes('namespaces')) expect(found).toMatchObject({ level: 'namespaces', describes: expect.stringContaining('without bubblewrap') as string });
    else expect(found.level).toBeNull();
  });

  test('is tried without leaving what a probe left that was killed', async () => {
    const scratchRoot = mkdtempSync(join(tmpdir(), 'brigade-probes-'));
    const gone = spawnSync('true').pid;
    for (const name of [`probe-${gone}-a`, `.warden-probe${gone}`, `probe-${process.ppid}-b`, 'kept']) mkdirSync(join(scratchRoot, name));
    await detectLevel({ python, bwrap, level: held[0] ?? 'none', scratchRoot });
    expect(readdirSync(scratchRoot).sort()).toEqual(['kept', `probe-${process.ppid}-b`]);
    rmSync(scratchRoot, { recursive: true });
  });

  test('is never weaker than the one asked for', async () => {
    const options = { python, bwrap: '/nonexistent/bwrap', level: 'bubblewrap' as const, scratchRoot: join(tmpdir(), `brigade-level-${process.pid}`) };
    await expect(openSandbox(options)).rejects.toThrow(SandboxUnavailable);
    await expect(openSandbox(options)).rejects.toThrow(/bubblewrap.*--sandbox=none/);
  });

  test.each(['best', 'tree'] as const)('none runs without walls, is asked for by name, and still leaves nobody (%s)', async (groups) => {
    await using on = await bench('none', { groups });
    expect((await openNone()).describes).toMatch(/^no sandbox/);
    const end = await on.run(`${READY}
import sys, time
print(open(os.path.join(os.environ['BRIGADE_RECIPE'], 'recipe.py')).read(), os.getcwd() == os.environ['BRIGADE_WORK'], flush=True)
open('made', 'w').close()
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: time.sleep(1000)
        os._exit(0)
time.sleep(1000)
`, { wallSeconds: 1, recipe: recipeIn(on.folder) });
    expect(end).toMatchObject({ kind: 'over-budget', by: 'wall', logTail: 'WIDTH = 1 True\n' });
    expect(on.left()).toEqual(['made']);
    expectNobody(on);
  });

  test('is held for an ordinary user too', async () => {
    if (process.getuid?.() !== 0 || bwrap === null || !existsSync('/usr/bin/python3') || !existsSync('/usr/bin/setpriv')) {
      console.warn('not root with setpriv, bubblewrap and a system Python: an ordinary user was not tried apart');
      return;
    }
    await using on = await bench('none');
    for (const name of ['', 'scratch']) chmodSync(join(on.folder, name), 0o777);
    const shim = join(on.folder, 'python');
    writeFileSync(shim, '#!/bin/sh\nexec /usr/bin/setpriv --reuid 65533 --regid 65533 --clear-groups /usr/bin/python3 "$@"\n', { mode: 0o755 });
    for (const level of ['bubblewrap', 'namespaces']) {
      const job = on.job("import os\nopen('/work/made', 'w').close()\nprint(len([p for p in os.listdir('/proc') if p.isdigit()]), os.path.exists('/etc/passwd'))\n", { log: join(on.folder, `log-${level}`) });
      const open = { slot: `u${INDEX}`, index: 0, cores: [0], level, bwrap, groups: 'best', interpreter: null, locks: null, staging: join(on.folder, 'staging') };
      const node = spawn(process.execPath, [join(import.meta.dirname, '../adversarial/daemon.mjs'), shim, program, JSON.stringify(open), JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'inherit'] });
      const said: string[] = [];
      createInterface({ input: node.stdout }).on('line', (line) => { said.push(line.replace(/^\d+ /, '')); });
      await until(() => said.some((line) => /"(end|refused)"/.test(line)));
      node.kill('SIGKILL');
      expect(JSON.parse(said.at(-1) ?? '')).toMatchObject({ event: 'end', end: { kind: 'exited', code: 0, logTail: '2 False\n' } });
      expect(on.left()).toEqual(['made']);
    }
  });
});

const program = join(import.meta.dirname, '../../src/adapters/sandbox/warden/warden.py');
const openNone = () => openSandbox({ python, bwrap: null, level: 'none', scratchRoot: join(tmpdir(), `brigade-level-${process.pid}`) });

function recipeIn(folder: string): string {
  writeFileSync(join(folder, 'recipe', 'recipe.py'), 'WIDTH = 1');
  return join(folder, 'recipe');
}
