// Two changes of one text, line by line: for what has no finer name than the definition it stands in.
//
//   W1. Changes may touch, but what one replaces or removes the other leaves alone.
//   W2. Where both put something at one place, nobody can say in which order: that is no merge.

interface Hunk { readonly from: number; readonly to: number; readonly put: readonly string[] }

/** Does both changes to some lines; null where they overlap. */
export function weave(before: readonly string[], one: readonly string[], other: readonly string[]): string[] | null {
  const hunks = [...hunksOf(before, one), ...hunksOf(before, other)].sort((a, b) => a.from - b.from || a.to - b.to);
  const out: string[] = [];
  let at = 0;
  let last: Hunk | null = null;
  for (const hunk of hunks) {
    if (last !== null && hunk.from === last.from && hunk.to === last.to && hunk.put.join('\n') === last.put.join('\n')) continue;
    if (hunk.from < at || (last !== null && hunk.from === last.from)) return null; // W1, W2
    out.push(...before.slice(at, hunk.from), ...hunk.put);
    at = hunk.to;
    last = hunk;
  }
  return [...out, ...before.slice(at)];
}

/** Stretches of `before` that make way for lines of `after`, by their longest common subsequence. */
function hunksOf(before: readonly string[], after: readonly string[]): Hunk[] {
  const width = after.length + 1;
  const length = new Int32Array((before.length + 1) * width);
  const at = (i: number, j: number): number => length[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) length[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const hunks: Hunk[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [from, start] = [i, j];
    while (i < before.length || j < after.length) {
      if (i < before.length && j < after.length && before[i] === after[j]) break;
      if (j < after.length && (i >= before.length || at(i, j + 1) >= at(i + 1, j))) j++; else i++;
    }
    if (i > from || j > start) hunks.push({ from, to: i, put: after.slice(start, j) });
    else { i++; j++; }
  }
  return hunks;
}
