import { describe, expect, test } from 'vitest';
import { bench, levels, READY } from '../adversarial/sandboxed.ts';

// The calibrated clock. Nothing here asks how fast this machine is; only how readings relate to one another.

const [level] = await levels();

/** Python that follows the clock as a harness does and defines `now()`, the courtesy reading. */
const FOLLOW = `${READY}
import time
def page():
    while True:
        first, unit, elapsed, base, rate, last = open(os.environ['BRIGADE_CLOCK']).read().split()
        if first == last: return int(first), unit, float(elapsed), float(base), float(rate)
while page()[0] == 0: time.sleep(0.001)
began = time.process_time()
def now():
    _, unit, elapsed, base, rate = page()
    mine = time.monotonic() if unit == 'wall' else time.process_time() - began
    return elapsed + max(0.0, mine - base) * rate
`;

describe.skipIf(level === undefined)('the calibrated clock', () => {
  const open = () => bench(level ?? 'none');

  test('starts when the command says it is ready, and charges nothing before', async () => {
    await using on = await open();
    const late = await on.run(`import time\nwhile time.process_time() < 1.5: pass\n${FOLLOW}`, { clock: 'calibrated', budgetSeconds: 1 });
    expect(late).toMatchObject({ kind: 'exited', code: 0 });
    expect(late.wallSeconds).toBeGreaterThan(1.5);
    expect(late.seconds).toBeLessThan(0.7);
  });

  test('charges a command that never says so from its first instant', async () => {
    await using on = await open();
    const end = await on.run('import time\nwhile time.process_time() < 1: pass\n', { clock: 'calibrated', budgetSeconds: 0.2 });
    expect(end).toMatchObject({ kind: 'over-budget', by: 'clock' });
    expect(end.seconds).toBeGreaterThan(0.2);
  });

  test('starts once: saying it again changes nothing', async () => {
    await using on = await open();
    const end = await on.run(`${FOLLOW}
import threading, signal
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
def again():
    for _ in range(50):
        try: os.write(os.open(os.environ['BRIGADE_CONTROL'], os.O_WRONLY | os.O_NONBLOCK), b'RRRR')
        except OSError: pass
while now() < 0.4: pass
again()
for _ in range(200):
    if now() < 0.2: os._exit(9)
    time.sleep(0.001)
while now() < 0.8: pass
`, { clock: 'calibrated', budgetSeconds: 5 });
    expect(end).toMatchObject({ kind: 'exited', code: 0 });
    expect(end.seconds).toBeGreaterThan(0.6); // a look may take a little of the last reading back
  });

  test('tells the command a reading that never runs backwards and agrees with the verdict', async () => {
    await using on = await open();
    const end = await on.run(`${FOLLOW}
last, worst, pages = 0.0, 0.0, set()
while last < 1.5:
    reading = now()
    worst = min(worst, reading - last)
    last = max(last, reading)
    pages.add(page()[0])
print(page()[1], len(pages) > 2, worst > -0.25)
`, { clock: 'calibrated', budgetSeconds: 5 });
    expect(end).toMatchObject({ kind: 'exited', logTail: 'calibrated True True\n' });
    expect(end.seconds).toBeGreaterThan(1.3);
    expect(end.seconds).toBeLessThan(2);
  });

  test('counts every descendant, and not the time they sleep', async () => {
    await using on = await open();
    const end = await on.run(`${FOLLOW}
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            start = time.process_time()
            while time.process_time() - start < 0.5: pass
            os._exit(0)
        os._exit(0)
time.sleep(0.5)
while len([p for p in os.listdir('/proc') if p.isdigit() and open(f'/proc/{p}/stat').read().rsplit(')', 1)[1].split()[0] != 'Z']) > 2: time.sleep(0.1)
time.sleep(1)
`, { clock: 'calibrated', budgetSeconds: 10 });
    expect(end).toMatchObject({ kind: 'exited', code: 0 });
    expect(end.seconds).toBeGreaterThan(0.4);
    expect(end.seconds).toBeLessThan(end.wallSeconds);
  });

  test('is frozen for the recipe while the reference runs', async () => {
    await using on = await open();
    const end = await on.run(`${FOLLOW}
gap, last = 0.0, time.monotonic()
start = page()[0]
while page()[0] < start + 3:
    moment = time.monotonic()
    gap, last = max(gap, moment - last), moment
print(gap > 0.004)
`, { clock: 'calibrated', budgetSeconds: 10 });
    expect(end.logTail).toBe('True\n');
  });

  test('reports progress at least twice a second, in its own seconds', async () => {
    await using on = await open();
    const readings: number[] = [];
    const end = await on.slot.run(on.job(`${FOLLOW}while now() < 1.2: pass\n`, { clock: 'calibrated', budgetSeconds: 5 }), {
      signal: new AbortController().signal, onProgress: ({ seconds }) => { readings.push(seconds); },
    });
    expect(readings.length).toBeGreaterThanOrEqual(2);
    expect([...readings].sort((a, b) => a - b)).toEqual(readings);
    expect(readings.at(-1)).toBeLessThanOrEqual(end.seconds + 0.25);
  });
});
