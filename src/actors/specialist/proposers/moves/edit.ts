import type { Syntax } from '../../../../ports.ts';
import { layOut, type Layout } from './definition.ts';

/** A program edit of the library: definitions that replace or join those of one file. */
export interface Edit {
  readonly specialist: string;
  readonly name: string;
  readonly hypothesis: string;
  readonly file: string;
  readonly source: string;
  /** Classes put in place whole instead of member by member. */
  readonly replaces: readonly string[];
  /** Edits of the same specialist that this one takes the place of. */
  readonly excludes: readonly string[];
  readonly layout: Layout;
  /** Last line of the header; what follows is the edit's code. */
  readonly headerEnd: number;
}

/** An edit of a surface's library cannot be read; its author must mend it. */
export class BadEdit extends Error {
  readonly file: string;
  constructor(file: string, reason: string) {
    super(`${file}: ${reason}`);
    this.name = 'BadEdit';
    this.file = file;
  }
}

/** Reads one file of a surface's `edits/<specialist>/` folder. */
export function readEdit(specialist: string, name: string, text: string, syntax: Syntax): Edit {
  const where = `edits/${specialist}/${name}.py`;
  const lines = text.split('\n');
  const header = new Map<string, string>();
  let headerEnd = 0;
  for (const [i, line] of lines.entries()) {
    const field = /^# (hypothesis|file|source|replace|excludes): *(.*)$/.exec(line);
    if (field?.[1] !== undefined) header.set(field[1], (field[2] ?? '').trim());
    if (!line.startsWith('#')) break;
    headerEnd = i + 1;
  }
  const hypothesis = header.get('hypothesis') ?? '';
  const file = header.get('file') ?? '';
  if (hypothesis.length < 8) throw new BadEdit(where, 'no `# hypothesis:` of a sentence in its header; say what it does and why it should help');
  if (file === '') throw new BadEdit(where, 'no `# file:` in its header; name the recipe file it edits');
  const layout = layOut(text, syntax);
  const covered = [...layout.definitions, ...layout.imports];
  for (const [i, line] of lines.entries()) {
    if (i < Math.max(headerEnd, layout.preambleEnd) || line.trim() === '' || line.startsWith('#') || covered.some((part) => i + 1 >= part.start && i + 1 <= part.end)) continue;
    throw new BadEdit(`${where}:${i + 1}`, 'a statement that defines no name; an edit holds definitions, assignments and imports only');
  }
  if (covered.length === 0) throw new BadEdit(where, 'it defines nothing');
  return { specialist, name, hypothesis: hypothesis.slice(0, 500), file, source: header.get('source') ?? '', replaces: list(header.get('replace')), excludes: list(header.get('excludes')), layout, headerEnd };
}

const list = (text: string | undefined): string[] => (text ?? '').split(',').map((item) => item.trim()).filter((item) => item !== '');
