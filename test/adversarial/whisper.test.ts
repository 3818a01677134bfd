import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { PhaseEnd, PhaseJob } from '../../src/ports.ts';
import { bench, expectNobody, levels, READY, type Bench } from './sandboxed.ts';

// A predictor that was shown everything, and its auditor that is shown nothing: whatever one can tell the other undoes the audit.
// Both see the same files of the system, so the kernel has something for them to share whatever is forbidden. The dead share nothing.

const SHARED = '/usr/bin/env';
/** Waits in a futex that lies in a page of that file, or wakes whoever waits there and counts them. */
const FUTEX = `
import ctypes, mmap, os, signal, threading, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.syscall.argtypes = [ctypes.c_long, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
NUMBER = {'x86_64': 202, 'aarch64': 98}[os.uname().machine]
def look():
    global page
    page = libc.mmap(None, 4096, 1, mmap.MAP_SHARED, os.open('${SHARED}', os.O_RDONLY), 0)
    return ctypes.c_int.from_address(page).value
word = look()
def wait():
    while True: libc.syscall(NUMBER, page, 0, word, None, None, 0)
def heard():
    total = 0
    for _ in range(30):
        total += libc.syscall(NUMBER, page, 1, 64, None, None, 0)
        time.sleep(0.01)
    return total
`;
/** Ignores whatever it may, and waits in threads and in children that left its session. */
const LINGERS = `${READY}${FUTEX}
for number in (1, 2, 3, 13, 15, 17): signal.signal(number, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: wait()
        os._exit(0)
threading.Thread(target=wait).start()
os.write(3, b'.')
while True: time.sleep(1)
`;
/** How many of others waited, and whether it would have heard them: it hears a child of its own, which looked at the file anew. */
const LISTENS = `${FUTEX}
os.read(3, 1)
others = heard()
if os.fork() == 0:
    look()
    wait()
os.write(3, f'{others} others, {"an ear" if heard() > 0 else "deaf"}'.encode())
os.read(3, 2)
`;
/** Stands for the evaluator's: it hears the predictor out, then turns to the auditor, and passes nothing on. */
const SCORER = "import json, os\nos.read(3, 1)\nos.write(4, b'?')\nprint(json.dumps({'heard': os.read(4, 99).decode()}))\n";

const audited = (on: Bench, predictor: string, auditor: string, { scorer = SCORER, ...changes }: Partial<Omit<PhaseJob, 'scorer'>> & { readonly scorer?: string } = {}): Promise<PhaseEnd> => {
  writeFileSync(join(on.folder, 'evaluator', 'scorer.py'), scorer);
  writeFileSync(join(on.folder, 'evaluator', 'auditor.py'), auditor);
  return on.run(predictor, { auditor: ['python', '/eval/auditor.py'], scorer: { command: ['python', 'scorer.py'], request: '{}' }, ...changes });
};

describe.each(await levels())('at level %s', (level) => {
  test.each(['wall', 'calibrated'] as const)('a predictor that would live on, in threads and daemons that wait in a page both see, is not there when its auditor is asked (%s)', async (clock) => {
    await using on = await bench(level);
    expect(await audited(on, LINGERS, LISTENS, { clock })).toMatchObject({ kind: 'exited', code: 0, scored: { heard: '0 others, an ear' } });
    expectNobody(on);
  });

  test('nor is it without control groups', async () => {
    await using on = await bench(level, { groups: 'tree' });
    expect(await audited(on, LINGERS, LISTENS)).toMatchObject({ kind: 'exited', scored: { heard: '0 others, an ear' } });
    expectNobody(on);
  });

  test('an auditor that nobody asks is never started, whether the scorer leaves descriptor 4 alone or closes it', async () => {
    await using on = await bench(level);
    for (const scorer of ['', 'os.close(4)\n']) {
      const end = await audited(on, `${READY}os.write(3, b'.')\nos.read(3, 1)\n`, 'print("here I am", flush=True)\n', { scorer: `import os\n${scorer}os.read(3, 1)\nprint(1)\n` });
      expect(end).toMatchObject({ kind: 'exited', code: 0, scored: 1, logTail: '' });
    }
  });

  test('an auditor that does not answer ends with the wall of the phase', async () => {
    await using on = await bench(level);
    const end = await audited(on, LINGERS, 'import time\nprint("here I am", flush=True)\ntime.sleep(1000)\n', { wallSeconds: 8 });
    expect(end).toMatchObject({ kind: 'over-budget', by: 'wall', scored: null, logTail: 'here I am\n' });
    expectNobody(on);
  });
});
