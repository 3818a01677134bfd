import { describe, expect, test } from 'vitest';
import { bench, expectNobody, levels, READY } from './sandboxed.ts';

// What a recipe may try with processes, memory, disk and output. Whatever it does, the phase ends and nobody is left.

describe.each(await levels())('at level %s', (level) => {
  test('twenty daemons that left their session and their parents die with the phase', async () => {
    await using on = await bench(level);
    const end = await on.run(`
import os, time
for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(0)
print('all away', flush=True)
`);
    expect(end).toMatchObject({ kind: 'exited', code: 0, logTail: 'all away\n' });
    expectNobody(on);
  });

  test('a command that ignores every signal it can is dead at its deadline', async () => {
    await using on = await bench(level);
    const end = await on.run(`${READY}
import signal, time
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: time.sleep(1)
`, { budgetSeconds: 0.3 });
    expect(end).toMatchObject({ kind: 'over-budget', by: 'clock' });
    expectNobody(on);
  });

  test('a fork bomb is held to its number of processes and leaves none', async () => {
    await using on = await bench(level);
    const end = await on.run(`${READY}
import os
while True:
    try: os.fork()
    except OSError: pass
`, { budgetSeconds: 0.5 });
    expect(end).toMatchObject({ kind: 'over-budget', by: 'clock' });
    expectNobody(on);
  });

  test('a memory bomb ends as out of memory, unlike a command that kills itself', async () => {
    await using on = await bench(level);
    const bomb = await on.run('held = []\nwhile True: held.append(bytearray(b"x" * (1 << 24)))\n');
    if (bomb.kind === 'signalled') expect(bomb).toMatchObject({ signal: 'SIGKILL', outOfMemory: true });
    else expect(bomb).toMatchObject({ kind: 'exited', code: 1, logTail: expect.stringContaining('MemoryError') as string });
    expectNobody(on);
    expect(await on.run('import os\nos.kill(os.getpid(), 9)\n')).toMatchObject({ kind: 'signalled', signal: 'SIGKILL', outOfMemory: false });
  });

  test.each(['/work', '/tmp', '/dev/shm'])('filling %s stops at the size of the scratch', async (place) => {
    await using on = await bench(level);
    const end = await on.run(`
import os
total = 0
try:
    for n in range(100):
        with open(f'${place}/f{n}', 'wb', buffering=0) as file:
            for _ in range(4): total += file.write(b'x' * (1 << 20))
except OSError as error:
    print(error.strerror, total <= 9 << 20)
`);
    expect(end).toMatchObject({ kind: 'exited', code: 0, logTail: 'No space left on device True\n' });
  });

  test('a million tiny files are refused long before they are a burden', async () => {
    await using on = await bench(level);
    const end = await on.run(`
for n in range(1_000_000):
    try: open(f'/work/{n}', 'w').close()
    except OSError: break
print(n < 5000)
`);
    expect(end).toMatchObject({ kind: 'exited', logTail: 'True\n' });
  });

  test('a printer of a gigabyte is read to its end, and only the first and the last of it are kept', async () => {
    await using on = await bench(level);
    const end = await on.run(`
import os
for n in range(1024): os.write(1, b'%1023d\\n' % n * 1024)
os.write(1, b'\\x1b[2J the end\\n')
`, { budgetSeconds: 60, wallSeconds: 60 });
    expect(end.kind).toBe('exited');
    expect(end.logTail.endsWith('\ufffd[2J the end\n')).toBe(true);
    const { size } = await import('node:fs').then((fs) => fs.statSync(`${on.folder}/log`));
    expect(size).toBeLessThan(66_000);
  });

  test('a sleeper is stopped by the wall, and a busy loop by the calibrated clock', async () => {
    await using on = await bench(level);
    expect(await on.run(`${READY}import time\ntime.sleep(1000)\n`, { clock: 'calibrated', budgetSeconds: 20, wallSeconds: 0.8 }))
      .toMatchObject({ kind: 'over-budget', by: 'wall' });
    const busy = await on.run(`${READY}while True: pass\n`, { clock: 'calibrated', budgetSeconds: 0.4 });
    expect(busy).toMatchObject({ kind: 'over-budget', by: 'clock' });
    expect(busy.seconds).toBeGreaterThan(0.4);
    expectNobody(on);
  });

  test('a group that stops itself is dead at the wall', async () => {
    await using on = await bench(level);
    const end = await on.run(`${READY}import os, signal\nif os.fork() == 0:\n    os.kill(os.getppid(), signal.SIGSTOP)\nos.kill(os.getpid(), signal.SIGSTOP)\n`, { wallSeconds: 0.8 });
    expect(end).toMatchObject({ kind: 'over-budget', by: 'wall' });
    expectNobody(on);
  });

  test('an aborted phase is dead when that is said', async () => {
    await using on = await bench(level);
    const stop = new AbortController();
    const job = on.job(`${READY}import time\ntime.sleep(1000)\n`);
    const end = on.slot.run(job, { signal: stop.signal, onProgress: () => stop.abort() });
    expect(await end).toMatchObject({ kind: 'killed', why: 'aborted' });
    expectNobody(on);
  });

  test('only regular files with one name come back from scratch', async () => {
    await using on = await bench(level);
    await on.run(`
import os, socket
os.mkdir('/work/folder'); open('/work/folder/kept', 'w').write('yes'); open('/work/twice', 'w').close()
os.link('/work/twice', '/work/again'); os.symlink('/etc/passwd', '/work/link'); os.mkfifo('/work/pipe')
socket.socket(socket.AF_UNIX).bind('/work/socket')
try: os.truncate(os.open('/work/sparse', os.O_CREAT | os.O_RDWR), 1 << 40)
except OSError: os.unlink('/work/sparse')
`);
    expect(on.left()).toEqual(['folder']);
  });
});
