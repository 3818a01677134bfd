/** How a sentence about an unknown name ends: `; did you mean `x`?` with the name most like it, or a full stop. */
export function suggest(asked: string, names: readonly string[]): string {
  const best = names.map((name) => ({ name, shared: likeness(asked, name) })).sort((a, b) => b.shared - a.shared)[0];
  return best && best.shared >= 0.4 ? `; did you mean \`${best.name}\`?` : '.';
}

/** Share of letter pairs that two names have in common, 0 to 1. */
function likeness(a: string, b: string): number {
  const pairs = (text: string): string[] => Array.from({ length: text.length + 1 }, (_, i) => ` ${text.toLowerCase()} `.slice(i, i + 2));
  const left = pairs(a);
  const right = pairs(b);
  const length = left.length + right.length;
  const shared = left.filter((pair) => {
    const at = right.indexOf(pair);
    if (at >= 0) right.splice(at, 1);
    return at >= 0;
  }).length;
  return (2 * shared) / length;
}
