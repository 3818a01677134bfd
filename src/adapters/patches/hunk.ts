import type { StructuredPatchHunk } from 'diff';

// A strict reader of git's unified diffs.
//
//   U1. Every line has a meaning here, or the patch is refused; nothing is skipped.
//   U2. Lines end at a line feed only: a carriage return is content.

/** One file of a patch, as its headers and hunks say. */
export interface FilePatch {
  readonly oldName: string | null;
  readonly newName: string | null;
  readonly oldMode: string | null;
  readonly newMode: string | null;
  readonly hunks: readonly StructuredPatchHunk[];
}

/** Why a patch cannot be read. */
export interface Unread { readonly rule: 'apply' | 'mode' | 'path'; readonly file: string | null; readonly message: string }

const HUNK = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/;

/** Reads a patch of several files. */
export function readPatch(patch: string): { readonly files: readonly FilePatch[] } | Unread {
  const lines = patch.split('\n'); // U2
  if (lines.at(-1) === '') lines.pop();
  const files: FilePatch[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line === '') { at += 1; continue; }
    const git = /^diff --git a\/([^\n]+) b\/([^\n]+)$/.exec(line);
    if (!git && !line.startsWith('--- ')) return unread(at, line, null);
    let oldName = git?.[1] ?? null;
    let newName = git?.[2] ?? null;
    const file = newName ?? oldName;
    let oldMode: string | null = null;
    let newMode: string | null = null;
    if (git) at += 1;
    for (; git && at < lines.length; at++) {
      const header = lines[at] ?? '';
      const mode = /^(new file mode|deleted file mode|old mode|new mode) (\d{1,8})$/.exec(header);
      if (mode?.[1] === 'new file mode') { newMode = mode[2] ?? ''; oldName = null; }
      else if (mode?.[1] === 'deleted file mode') { oldMode = mode[2] ?? ''; newName = null; }
      else if (mode) return { rule: 'mode', file, message: `the patch changes the mode of ${file}: a recipe's files are plain (100644); leave modes alone.` };
      else if (/^(rename|copy) (from|to) |^(dis)?similarity index /.test(header)) return { rule: 'path', file, message: `the patch renames or copies ${file}: remove one file and add another instead.` };
      else if (/^(GIT binary patch|Binary files )/.test(header)) return { rule: 'apply', file, message: `the patch of ${file} is binary: a recipe is text.` };
      else if (!/^index [0-9a-f]+\.\.[0-9a-f]+( \d+)?$/.test(header)) break;
    }
    if (lines[at]?.startsWith('--- ')) {
      const from = nameIn(lines[at] ?? '', '--- ', 'a/');
      const to = nameIn(lines[at + 1] ?? '', '+++ ', 'b/');
      if (from === undefined || to === undefined) return unread(at, lines[at] ?? '', file);
      const isMismatch = git && ((from !== null && from !== git[1]) || (to !== null && to !== git[2]) || (from === null) !== (oldName === null) || (to === null) !== (newName === null));
      if (isMismatch || (from === null && to === null)) return { rule: 'path', file, message: `the headers of ${file ?? 'a file'} name different files: repeat one name.` };
      if (from !== null && to !== null && from !== to) return { rule: 'path', file: to, message: `the patch renames ${from} to ${to}: remove one file and add another instead.` };
      oldName = from;
      newName = to;
      at += 2;
    }
    const hunks: StructuredPatchHunk[] = [];
    while (lines[at]?.startsWith('@@')) {
      const read = readHunk(lines, at);
      if (!read) return { rule: 'apply', file: newName ?? oldName, message: `line ${at + 1} of the patch starts a hunk whose lines do not add up to its header: count again, or send the whole change as new text.` };
      hunks.push(read.hunk);
      at = read.next;
    }
    files.push({ oldName, newName, oldMode, newMode, hunks });
  }
  return { files };
}

const unread = (at: number, line: string, file: string | null): Unread => // U1
  ({ rule: 'apply', file, message: `line ${at + 1} of the patch is no part of a unified diff: ${JSON.stringify(line.slice(0, 80))}.` });

/** The name in a header, null for /dev/null, undefined when it is no such header. */
function nameIn(line: string, header: string, prefix: string): string | null | undefined {
  if (!line.startsWith(header)) return undefined;
  const name = line.slice(header.length).replace(/\t.*$/, '');
  if (name === '/dev/null') return null;
  return name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
}

function readHunk(lines: readonly string[], start: number): { readonly hunk: StructuredPatchHunk; readonly next: number } | null {
  const header = HUNK.exec(lines[start] ?? '');
  if (!header) return null;
  const [, oldStart = '0', oldCount = '1', newStart = '0', newCount = '1'] = header;
  const hunk = { oldStart: Number(oldStart), oldLines: Number(oldCount), newStart: Number(newStart), newLines: Number(newCount), lines: [] as string[] };
  let old = 0;
  let now = 0;
  let at = start + 1;
  while (at < lines.length && (old < hunk.oldLines || now < hunk.newLines || lines[at]?.startsWith('\\'))) {
    const line = lines[at] ?? '';
    const sign = line[0] ?? ' '; // an empty context line whose space was trimmed
    if (sign === '\\') { if (hunk.lines.length === 0) return null; } else if (sign === '+') now += 1; else if (sign === '-') old += 1; else if (sign === ' ') { old += 1; now += 1; } else return null;
    hunk.lines.push(line === '' ? ' ' : line);
    at += 1;
  }
  if (old !== hunk.oldLines || now !== hunk.newLines) return null;
  if (hunk.oldLines === 0) hunk.oldStart += 1; // the format counts an empty side from the line before it
  if (hunk.newLines === 0) hunk.newStart += 1;
  return { hunk, next: at };
}
