import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bench, levels } from './sandboxed.ts';

// A predictor that was shown everything, and its auditor that is shown nothing: whatever one can tell the other undoes the audit.
// Both see the same files of the system, and what is done with a file is seen wherever it is seen.

/** Speaks only after the listener has said through the scorer that it listens; the scorer stands for the evaluator's and passes nothing on. */
const scorer = "import json, os\nos.read(4, 1)\nos.write(3, b'?')\nos.read(3, 1)\nos.write(4, b'?')\nheard = os.read(4, 99).decode()\nprint(json.dumps({'heard': heard}))\n";
const SHARED = "'/usr/bin/env'";

describe.each(await levels())('at level %s', (level) => {
  test('an open file, a lock on it and a range of it say nothing to the other side', async () => {
    await using on = await bench(level);
    writeFileSync(join(on.folder, 'evaluator', 'scorer.py'), scorer);
    writeFileSync(join(on.folder, 'evaluator', 'auditor.py'), `
import ctypes, errno, fcntl, os, select, struct
libc = ctypes.CDLL(None, use_errno=True)
watch = libc.inotify_init1(os.O_NONBLOCK)
if watch >= 0: libc.inotify_add_watch(watch, ${SHARED}.encode(), 0x20)
os.write(3, b'.')
os.read(3, 1)
heard = []
if watch >= 0 and select.select([watch], [], [], 1)[0]: heard.append('opened')
file = os.open(${SHARED}, os.O_RDONLY)
try: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError: heard.append('locked')
for ask in (5, 36):
    try:
        answer = fcntl.fcntl(file, ask, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
        if struct.unpack('hhqqi4x', answer)[0] != fcntl.F_UNLCK: heard.append(str(struct.unpack('hhqqi4x', answer)[2]))
    except OSError: pass
os.write(3, ' '.join(heard).encode() or b'nothing')
os.read(3, 1)
`);
    const end = await on.run(`
import fcntl, os, struct
os.read(3, 1)
file = os.open(${SHARED}, os.O_RDONLY)
fcntl.flock(file, fcntl.LOCK_EX)
fcntl.fcntl(file, 6, struct.pack('hhqqi4x', fcntl.F_RDLCK, 0, 1234567, 1, 0))
os.write(3, b'.')
os.read(3, 1)
`, { auditor: ['python', '/eval/auditor.py'], scorer: { command: ['python', 'scorer.py'], request: '{}' } });
    expect(end).toMatchObject({ scored: { heard: 'nothing' } });
  });
});
