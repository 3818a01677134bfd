// How a metric is found in what a program prints.
//
//   M1. A pattern is one that Python's `re` and this program read alike: no look-behind of several lengths, no named groups, one group.

/** A number as programs print it, NaN and infinities included: that a run diverged must be seen. */
const NUMBER = String.raw`([-+]?(?:\d[\d,]*\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|[Nn]a[Nn]|[Ii]nf(?:inity)?))`;

/** A pattern for `val_loss`, as in `val_loss: 1.2`, `"val_loss": 1.2`, `Val Loss = 1.2`, `val-loss 1.2`. */
export function patternFor(metric: string): string {
  const words = metric.split(/[\s_/.-]+/).filter((word) => word !== '').map((word) => `${eitherCase(word[0] ?? '')}${escape(word.slice(1))}`);
  return String.raw`(?:^|[^A-Za-z0-9_])${words.join(String.raw`[\s_/.-]*`)}["']?(?:\s*(?:[:=]|is\b)\s*|\s+)${NUMBER}`;
}

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
const eitherCase = (letter: string): string => (/[A-Za-z]/.test(letter) ? `[${letter.toUpperCase()}${letter.toLowerCase()}]` : escape(letter));

/** What drives a terminal, colours above all, stands between a metric and its number. */
const COLOURS = /\u001b\[[0-?]*[ -/]*[@-~]/g;

/** What a pattern finds in a text, in its order. */
export function valuesIn(text: string, pattern: string): readonly number[] {
  const expression = new RegExp(pattern);
  return text.replace(COLOURS, '').split(/[\r\n]+/).flatMap((line) => {
    const found = expression.exec(line.slice(0, 10_000))?.[1]?.replaceAll(',', '').replace(/%$/, '');
    if (found === undefined) return [];
    const value = /^[-+]?nan$/i.test(found) ? NaN : /^[-+]?inf/i.test(found) ? (found.startsWith('-') ? -Infinity : Infinity) : Number(found);
    return found === '' || (Number.isNaN(value) && !/nan/i.test(found)) ? [] : [value];
  });
}

/** Why a pattern will not do; null when it will. */
export function faultOf(pattern: string): string | null {
  try {
    const groups = new RegExp(`${pattern}|`).exec('')?.length ?? 0;
    return groups === 2 ? null : `it has ${groups - 1} groups and needs one, round the number: val_loss=([0-9.]+)`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Names that stand before numbers in a log, the most frequent first: what its metric may be called. */
export function namesIn(text: string): readonly string[] {
  const counts = new Map<string, number>();
  for (const [, name = ''] of text.replace(COLOURS, '').matchAll(/([A-Za-z][A-Za-z0-9_/.-]*(?: [A-Za-z][A-Za-z0-9_]*)?)["']?\s*[:=]\s*[-+]?\d/g)) {
    const called = name.trim().toLowerCase().replaceAll(/[\s/.-]+/g, '_');
    if (/^[a-z]\w{1,63}$/.test(called)) counts.set(called, (counts.get(called) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
}

/** Words of a name that leave no doubt. A short one must end a word, or be one: `answer` holds wer, `sentiment` time, `confidence` fid. */
const LESS = /loss|error|perplexity|seconds|latency|(?:err|ppl|bp[bc]|mse|mae|nll)(?![a-z])|(?<![a-z])(?:run|wall|train|step)?time(?![a-z])|(?<![a-z])(?:[wc]er|fid)(?![a-z])/;
const MORE = /accuracy|score|bleu|rouge|precision|recall|reward|(?:acc|auc|auroc|f1|iou|map|core)(?![a-z])|(?<![a-z])(?:r2|dice|returns?)(?![a-z])/;

/** Whether more of a metric is better, by its name; null when the name does not tell. */
export function directionOf(metric: string): 'minimize' | 'maximize' | null {
  const name = metric.replace(/([a-z\d]{2})([A-Z])/g, '$1_$2').toLowerCase();
  const [less, more] = [LESS.test(name), MORE.test(name)];
  return less === more ? null : less ? 'minimize' : 'maximize';
}

/** Between which values a metric can lie, by its name and the values seen. */
export function rangeOf(metric: string, seen: readonly number[]): readonly [number, number] {
  const finite = seen.filter(Number.isFinite);
  const [low, high] = [Math.min(0, ...finite), Math.max(0, ...finite)];
  if (low < 0) return [-1e9, 1e9];
  if (/acc|auc|f1|precision|recall|iou|dice/i.test(metric) && finite.length > 0 && high <= 100) return high <= 1 ? [0, 1] : [0, 100];
  return directionOf(metric) === null ? [-1e9, 1e9] : [0, 1e9];
}
