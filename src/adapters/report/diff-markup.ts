import { markup, NOTHING, type Markup } from './markup.ts';

/** A unified diff with its lines marked by what they do. */
export function diffMarkup(patch: string): Markup {
  if (patch.trim() === '') return NOTHING;
  const lines = patch.replace(/\n$/, '').split('\n').map((line) => markup`<span class="${kindOf(line)}">${line === '' ? ' ' : line}</span>\n`);
  return markup`<pre class="diff">${lines}</pre>`;
}

function kindOf(line: string): string {
  if (/^(---|\+\+\+|diff |index |similarity |rename |new file|deleted file)/.test(line)) return 'file';
  if (line.startsWith('@@')) return 'hunk';
  return line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : 'same';
}

/** Files a patch touches with the lines it adds and removes: `model.py +3 −1`. */
export function diffStat(patch: string): string {
  const files: { name: string; added: number; removed: number }[] = [];
  let left = 0;
  let right = 0;
  for (const line of patch.split('\n')) {
    const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    const file = files.at(-1);
    if (hunk) { left = Number(hunk[1] ?? 1); right = Number(hunk[2] ?? 1); continue; }
    if (left > 0 || right > 0) {
      if (line.startsWith('+')) { right -= 1; if (file) file.added += 1; } else if (line.startsWith('-')) { left -= 1; if (file) file.removed += 1; } else if (!line.startsWith('\\')) { left -= 1; right -= 1; }
      continue;
    }
    const named = /^(---|\+\+\+) (?:[ab]\/)?([^\t]+)/.exec(line);
    if (!named) continue;
    const name = named[2] ?? '';
    if (named[1] === '---') files.push({ name, added: 0, removed: 0 });
    else if (file && name !== '/dev/null') file.name = name;
  }
  return files.map(({ name, added, removed }) => `${name} +${added} −${removed}`).join(', ');
}
