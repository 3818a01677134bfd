import { readdir, readFile } from 'node:fs/promises';
import type { Process, Project } from '../support/program.ts';

/** Whether a process is the warden of a slot. */
export const isWarden = ({ args }: Process): boolean => args.some((arg) => arg.endsWith('/warden.py'));

/** What runs under the wardens of a project: in their own namespaces nothing names it but its ancestors. */
export async function recipesOf(project: Project): Promise<{ readonly pid: number; readonly seed: string }[]> {
  const wardens = new Set((await project.processes()).filter(isWarden).map(({ pid }) => pid));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const read = (pid: number, name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  const parents = new Map(await Promise.all(pids.map(async (pid) => [pid, Number(/^PPid:\s+(\d+)/m.exec(await read(pid, 'status'))?.[1] ?? 0)] as const)));
  const isBelow = (pid: number): boolean => { for (let at = pid; at > 1; at = parents.get(at) ?? 0) if (wardens.has(at)) return true; return false; };
  const found = await Promise.all(pids.filter(isBelow).map(async (pid) => {
    const [environment, status] = await Promise.all([read(pid, 'environ'), read(pid, 'status')]);
    const seed = /BRIGADE_SEED=(\d+)/.exec(environment)?.[1];
    return seed === undefined || /^State:\s+[ZX]/m.test(status) ? [] : [{ pid, seed }];
  }));
  return found.flat();
}
