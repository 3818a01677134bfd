import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Calibrated } from '../../domain/fact.ts';
import { RunCalibrated } from '../../protocols/run.ts';

/** Calibrations of earlier runs as files, one for each equal way to measure. What cannot be read is as good as none: it is measured again. */
export function openCalibrations<Key extends object>(dir: string): { find(key: Key): Promise<Calibrated | null>; keep(key: Key, calibrated: Calibrated): Promise<void> } {
  const fileOf = (key: Key): string => join(dir, `${createHash('sha256').update(JSON.stringify(Object.entries(key).sort())).digest('hex')}.json`);
  return {
    async find(key) {
      const text = await readFile(fileOf(key), 'utf8').catch(() => null);
      if (text === null) return null;
      try {
        const parsed = RunCalibrated.body.safeParse(JSON.parse(text));
        return parsed.success ? parsed.data : null;
      } catch { return null; }
    },
    async keep(key, calibrated) {
      await mkdir(dir, { recursive: true });
      const file = fileOf(key);
      await writeFile(`${file}.${process.pid}`, JSON.stringify(calibrated));
      await rename(`${file}.${process.pid}`, file);
    },
  };
}
