import { readFile } from 'node:fs/promises';

/** When a living process was born, in the kernel's ticks since it started; null for one that is not there. With its number it names one process. */
export async function birthOf(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  const [state = 'Z', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before may hold anything
  return 'ZX'.includes(state) ? null : Number(fields[18]);
}
