import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

// Control groups of a host. Evaluators make theirs below the group they are in, so that each host has a place of its own.

const V1 = ['memory', 'pids', 'cpuacct', 'freezer'];

/** Folders of the groups this process is in, of every controller that evaluators use. */
function homes(): string[] {
  const mounted = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' '));
  const own = readFileSync('/proc/self/cgroup', 'utf8').split('\n').map((line) => line.split(':'));
  const home = (root: string, path: string): string => (existsSync(join(root, path)) ? join(root, path) : root);
  const v1 = V1.flatMap((controller) => {
    const root = mounted.find(([, , kind, options]) => kind === 'cgroup' && options?.split(',').includes(controller))?.[1];
    const path = own.find(([, controllers]) => controllers?.split(',').includes(controller))?.slice(2).join(':');
    return root === undefined ? [] : [home(root, path ?? '/')];
  });
  if (v1.length === V1.length) return v1;
  const root = mounted.find(([, , kind]) => kind === 'cgroup2')?.[1];
  return root === undefined ? [] : [home(root, own.find(([n]) => n === '0')?.[2] ?? '/')];
}

/** Makes a group of that name where groups can be made; null elsewhere. */
export async function makeGroup(name: string): Promise<string | null> {
  try {
    for (const each of homes()) await mkdir(join(each, name), { recursive: true });
    return homes().length === 0 ? null : name;
  } catch {
    return null;
  }
}

/** Where a process writes its number to be in the group. */
export const groupFiles = (name: string | null): string[] => (name === null ? [] : [...new Set(homes())].map((each) => join(each, name, 'cgroup.procs')));

/** Names of the groups that evaluators left below a host's. */
export async function leftBelow(name: string | null): Promise<string[]> {
  if (name === null) return [];
  const found = await Promise.all([...new Set(homes())].map((each) => readdir(join(each, name, 'brigade'), { withFileTypes: true }).catch(() => [])));
  return [...new Set(found.flat().filter((entry) => entry.isDirectory()).map((entry) => entry.name))];
}

/** Takes away every group whose name begins so, emptied ones only. */
export async function removeGroups(prefix: string): Promise<void> {
  const remove = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) if (entry.isDirectory()) await remove(join(folder, entry.name));
    await rmdir(folder).catch(() => undefined);
  };
  for (const each of new Set(homes())) for (const name of await readdir(each).catch(() => [])) if (name.startsWith(prefix)) await remove(join(each, name));
}
