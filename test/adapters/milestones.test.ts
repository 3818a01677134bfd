import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bench, levels, python, READY } from '../adversarial/sandboxed.ts';
import type { PhaseEnd, PhaseJob } from '../../src/ports.ts';

// Lines are stamped when they arrive, and end milestones by the warden's own clock.

const held = await levels();
const milestones = (trainSeconds: number) => [{ name: 'compile', until: '^warm-up done', seconds: 20 }, { name: 'train', until: '^trained in \\d+', seconds: trainSeconds }, { name: 'pack', until: null, seconds: 20 }];
const stamped = (folder: string, changes: Partial<PhaseJob> = {}): Partial<PhaseJob> => ({ stamps: join(folder, 'stamps'), milestones: milestones(20), ...changes });
const seen = (end: PhaseEnd, name: string): number => end.milestones?.find((one) => one.name === name)?.seconds ?? NaN;

describe.each(held)('at level %s', (level) => {
  test('each milestone is as long as it was from line to line, and every line is kept with its second', async () => {
    await using on = await bench(level);
    const end = await on.run('import time\nprint("warm-up done"); time.sleep(0.4); print("trained in 12345 ms"); time.sleep(0.2); print("packed", end="")', stamped(on.folder));
    expect(end).toMatchObject({ kind: 'exited', code: 0, milestones: [{ name: 'compile', reached: true }, { name: 'train', reached: true }, { name: 'pack', reached: true }] });
    expect(seen(end, 'train')).toBeGreaterThan(0.25); // a line is stamped when the warden reads it, which may be a little late
    expect(seen(end, 'pack')).toBeGreaterThan(0.1);
    const lines = readFileSync(join(on.folder, 'stamps'), 'utf8').trimEnd().split('\n').map((line) => line.split('\t'));
    expect(lines.map(([, text]) => text)).toEqual(['warm-up done', 'trained in 12345 ms', 'packed']);
    const at = lines.map(([second]) => Number(second));
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeCloseTo(seen(end, 'train'), 2);
  });

  test('a milestone that has had its seconds is killed there, whatever the line would have claimed', async () => {
    await using on = await bench(level);
    const end = await on.run('import time\nprint("warm-up done"); time.sleep(60); print("trained in 1 ms")', stamped(on.folder, { milestones: milestones(1) }));
    expect(end).toMatchObject({ kind: 'over-budget', by: 'milestone', milestones: [{ name: 'compile', reached: true }, { name: 'train', reached: false }] });
    expect(seen(end, 'train')).toBeGreaterThan(1);
    expect(end.wallSeconds).toBeLessThan(20);
  });

  test('a line printed before its milestone runs ends nothing, and a run that never prints it is not said to have reached it', async () => {
    await using on = await bench(level);
    const end = await on.run('print("trained in 1 ms"); print("warm-up done")', stamped(on.folder));
    expect(end).toMatchObject({ kind: 'exited', milestones: [{ name: 'compile', reached: true }, { name: 'train', reached: false }] });
  });

  test('stretches that are each in time may not together pass the budget of their phase', async () => {
    await using on = await bench(level);
    const end = await on.run(`${READY}import time\nprint("warm-up done"); time.sleep(0.6); print("trained in 6"); time.sleep(60)`, stamped(on.folder, { budgetSeconds: 2 }));
    expect(end).toMatchObject({ kind: 'over-budget', by: 'clock', milestones: [{ name: 'compile', reached: true }, { name: 'train', reached: true }, { name: 'pack', reached: false }] });
  });

  test('a pattern that the warden cannot read is said to be our fault, and the same warden goes on', async () => {
    await using on = await bench(level);
    const { pid } = on.slot.warden;
    expect(await on.run('pass', stamped(on.folder, { milestones: [{ name: 'train', until: '^(?<step>', seconds: 5 }] }))).toMatchObject({ kind: 'not-started', reason: expect.stringContaining('error') as string });
    expect(await on.run('print("again")')).toMatchObject({ kind: 'exited', logTail: 'again\n' });
    expect(on.slot.warden.pid).toBe(pid);
  });

  test('a line without an end is looked at in part and holds nothing up', async () => {
    await using on = await bench(level);
    const end = await on.run('print("x" * 3_000_000); print("warm-up done"); print("trained in 3")', stamped(on.folder));
    expect(end.milestones?.map(({ reached }) => reached)).toEqual([true, true, true]);
    expect(readFileSync(join(on.folder, 'stamps'), 'utf8').length).toBeLessThan(10_000);
  });

  test('a flood of empty lines holds the warden up by no second that it decides on', async () => {
    await using on = await bench(level);
    const job = on.job('import os\nwhile True: os.write(1, b"\\n" * 65536)', stamped(on.folder, { milestones: [{ name: 'train', until: '^trained', seconds: 5 }] }));
    const end = await on.slot.run({ ...job, limits: { ...job.limits, logBytes: 2 ** 23 } }, { signal: new AbortController().signal, onProgress: () => undefined });
    expect(end).toMatchObject({ kind: 'over-budget', by: 'milestone' });
    expect(end.wallSeconds).toBeLessThan(8);
  });
});

describe('what the warden makes of lines and the seconds they came at', () => {
  /** Runs a few lines of Python on the warden's own Stamps, of which `log` is then what they left. */
  const stamp = (source: string, cap = 4096): { said: unknown; log: string } => {
    const folder = mkdtempSync(join(tmpdir(), 'brigade-stamps-'));
    const milestones = JSON.stringify([{ name: 'compile', until: '^warm', seconds: 5 }, { name: 'train', until: '^trained', seconds: 60 }, { name: 'pack', until: null, seconds: 5 }]).replaceAll('null', 'None');
    try {
      const said = execFileSync(python, ['-I', '-c', `
import json, sys
sys.path.insert(0, ${JSON.stringify(join(import.meta.dirname, '../../src/adapters/sandbox/warden'))})
sys.dont_write_bytecode = True
from stamps import Stamps
stamps = Stamps('${folder}/log', ${cap}, ${milestones})
${source}
`], { encoding: 'utf8' });
      return { said: JSON.parse(said) as unknown, log: readFileSync(join(folder, 'log'), 'utf8') };
    } finally { rmSync(folder, { recursive: true, force: true }); }
  };

  test('a line that was still in the pipe when its milestone was found late does not end it: the late one is the last, and is named', () => {
    expect(stamp("late = stamps.overdue(5.02)\nstamps.write(b'warm-up done\\n', 5.02)\nprint(json.dumps([late, stamps.close(5.02, False)]))").said)
      .toEqual([true, [{ name: 'compile', seconds: 5.02, reached: false }]]);
  });

  test('a log that was cut holds no stamp of the recipe’s own, wherever the cut falls', () => {
    const forged = 'x9.000\\t9'.repeat(40);
    for (let padding = 0; padding < 9; padding += 1) {
      const { log } = stamp(`for n in range(60): stamps.write(b'${forged}' + b'.' * ${padding} + b'\\n', 1)\nstamps.write(b'last', 2)\nprint(json.dumps(stamps.close(2, True)))`);
      const lines = log.trimEnd().split('\n');
      expect(lines.filter((line) => !/^1\.000\tx|^$|^\.\.\. \d+ bytes left out \.\.\.$/.test(line))).toEqual(['2.000\tlast']);
      expect(log.length).toBeLessThan(4096 + 40);
    }
  });

  test('a run that ended by itself after its stretch had had its time is late, whatever line came with its end', () => {
    expect(stamp("stamps.write(b'warm\\ntrained', 4)\nstamps.write(b'\\n', 64.5)\nprint(json.dumps([stamps.overdue(64.5), stamps.close(64.5, True)]))").said)
      .toEqual([true, [{ name: 'compile', seconds: 4, reached: true }, { name: 'train', seconds: 60.5, reached: false }]]);
  });
});
