import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { z } from 'zod';
import type { Sampler } from '../../ports.ts';

// Optuna's TPE, asked through a small Python program.
//
//   O1. A question is a process: it is given the whole study and keeps nothing, so the answer depends on the study alone.
//   O2. It runs in an environment of its own, which set-up does not make: whoever wants the rivals installs it.

/** Longer than a study of a thousand trials takes on a busy machine. */
const PATIENCE_MS = 120_000;

const Answer = z.strictObject({ optuna: z.string().max(100), answers: z.array(z.record(z.string().max(400), z.union([z.string().max(400), z.int()]))).max(64) });

/** The interpreter that has Optuna, in a project; null when it was not installed. */
export function findOptuna(root: string): string | null {
  const environment = join(root, '.brigade', 'rivals-python');
  return existsSync(join(environment, 'optuna')) ? join(environment, 'bin', 'python') : null; // the mark is written last
}

/** A sampler that asks Optuna, with an interpreter that has it. */
export function openOptuna(python: string): Sampler {
  return {
    async suggest(study, answers, signal) {
      const { stdout } = await execa(python, ['-I', program()], { // O1
        input: JSON.stringify({ study, answers }), extendEnv: false, env: { PATH: process.env.PATH, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' }, timeout: PATIENCE_MS, cancelSignal: signal, forceKillAfterDelay: 500, maxBuffer: 16_000_000,
      });
      return Answer.parse(JSON.parse(stdout)).answers;
    },
  };
}

/** Beside this file in the sources, not in what was built of them. */
function program(): string {
  const beside = fileURLToPath(new URL('./tpe.py', import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL('../../../src/adapters/optuna/tpe.py', import.meta.url));
}
