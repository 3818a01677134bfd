import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { memoryPorts, virtualClock } from '../../src/adapters/memory/index.ts';
import { failing } from '../../src/cli/failpoint.ts';

const hint = (to: string) => ({ from: 'kernel', to, file: 'model.py', symbol: null, hint: 'a hint', trial: null });

test('a daemon that may die at a step says everything else as it would without: what stands beside other words too', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'brigade-failpoint-'));
  const ports = memoryPorts('run', virtualClock());
  const wrapped = failing(ports, 'evaluator', dir, 'evaluator.after-trial.measured:9');
  await ports.journal.record('handoff.offered', ['h1'], hint('data'));
  expect(await wrapped.journal.record('handoff.offered', ['h1'], hint('kernel'), { beside: true })).toEqual({ kind: 'recorded', seq: 2 });
  expect(await wrapped.journal.record('handoff.offered', ['h1'], hint('meta'))).toEqual({ kind: 'taken' });
  await rm(dir, { recursive: true, force: true });
});
