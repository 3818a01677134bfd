import { readFile } from 'node:fs/promises';
import type { Brief } from '../../domain/surface.ts';
import { BadSurface } from './bad-surface.ts';

const HEADS = ['Scope', 'Non-scope', 'Edit radius'] as const;

/** Reads a specialist's brief: three headed parts, in any order, each with something in it. */
export async function readBrief(file: string, shown: string, specialist: string): Promise<Brief> {
  const source = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BadSurface([`${shown} is missing: ${specialist} is in the roster and needs a brief headed ${HEADS.join(', ')}.`], { cause });
  });
  const parts = new Map<string, string>();
  for (const part of source.split(/^#+[ \t]+/m).slice(1)) {
    const end = part.indexOf('\n');
    parts.set(part.slice(0, end < 0 ? undefined : end).trim().toLowerCase(), end < 0 ? '' : part.slice(end).trim());
  }
  const [scope, nonScope, editRadius] = HEADS.map((head) => parts.get(head.toLowerCase()) ?? '');
  const missing = HEADS.filter((head) => !parts.get(head.toLowerCase()));
  if (missing.length > 0 || !scope || !nonScope || !editRadius) throw new BadSurface([`${shown} says nothing under ${missing.join(', ')}: a brief has the heads ${HEADS.join(', ')}, each with a text.`]);
  return { specialist, scope, nonScope, editRadius };
}
