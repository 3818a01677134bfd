import { access } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import type { Plan } from '../../adapters/starter/index.ts';
import { Mistake } from '../mistake.ts';

type Mount = Plan['mounts'][number];

/** Places that the command reads, each with a name and where it will look for it. Throws `Mistake` for one that is not there, or that would hide the recipe. */
export async function readMounts(folder: string, given: readonly string[], recipe: readonly string[]): Promise<readonly Mount[]> {
  const mounts: Mount[] = [];
  for (const text of given) {
    const [, asked, place = text] = /^([A-Za-z0-9_-]{1,64})=(.+)$/s.exec(text) ?? [];
    const path = resolve(folder, place);
    if (!await access(path).then(() => true, () => false)) throw new Mistake(`--mount ${text}: ${path} is not there`);
    const within = relative(folder, path);
    const link = within === '' || within.startsWith('..') || isAbsolute(within) ? null : within;
    const hidden = link === null ? undefined : recipe.find((file) => file === link || file.startsWith(`${link}/`));
    if (hidden !== undefined) throw new Mistake(`--mount ${text} would hide ${hidden} of the recipe: mount the folders or files beside it one by one, such as --mount ${join(place, 'train')}`);
    const name = asked ?? free((basename(path).replaceAll(/[^A-Za-z0-9_-]/g, '-') || 'data').slice(0, 60), mounts.map((mount) => mount.name));
    if (mounts.some((mount) => mount.name === name)) throw new Mistake(`--mount ${text}: two mounts are called ${name}`);
    mounts.push({ name, path: link ?? path, link });
  }
  return mounts;
}

const free = (name: string, taken: readonly string[]): string => {
  for (let n = 1; ; n++) { const tried = n === 1 ? name : `${name}-${n}`; if (!taken.includes(tried)) return tried; }
};

/** The command's words with every mounted place outside the folder as `{mount:name}`. */
export const spellMounts = (words: readonly string[], mounts: readonly Mount[]): readonly string[] =>
  words.map((word) => mounts.filter(({ link }) => link === null).reduce((text, { name, path }) => text.replaceAll(new RegExp(`${path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?=/|$)`, 'g'), `{mount:${name}}`), word));

/** Places of the folder that the files or the command name and the sandbox would not see: neither in the recipe nor mounted. */
export async function unseen(folder: string, texts: readonly string[], recipe: readonly string[], mounts: readonly Mount[]): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const text of texts) {
    const path = text.replace(/^\.\//, '').replace(/\/+$/, '');
    if (!/^[\w][\w ./-]*$/.test(path) || path.includes('..') || (!/[/.]/.test(text) && path.length < 3)) continue;
    const isCovered = recipe.some((file) => file === path || file.startsWith(`${path}/`)) || mounts.some(({ link }) => link !== null && (path === link || path.startsWith(`${link}/`)));
    if (!isCovered && !['surfaces', 'evaluators', 'runs'].includes(path) && await access(join(folder, path)).then(() => true, () => false)) found.add(path);
  }
  return [...found].filter((path) => ![...found].some((other) => other !== path && path.startsWith(`${other}/`))).sort();
}
