import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

// What processes take of their machine, as the system tells it.

const execute = promisify(execFile);
/** Linux tells processor time in hundredths of a second, whatever its own clock does. */
const TICKS_PER_SECOND = 100;

/** Resident bytes of those processes that live. */
export async function residentBytes(pids: readonly number[]): Promise<[number, number][]> {
  const { stdout } = await execute('ps', ['-o', 'pid=,rss=', '-p', pids.join(',')]).catch(() => ({ stdout: '' }));
  return stdout.split('\n').flatMap((line): [number, number][] => {
    const [pid, kibibytes] = line.trim().split(/\s+/).map(Number);
    return pid !== undefined && kibibytes !== undefined && kibibytes > 0 ? [[pid, kibibytes * 1024]] : [];
  });
}

/** Seconds of processor time that a process itself has had, its children's not counted; null where the system does not tell. */
export async function processorSeconds(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before may hold anything
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
