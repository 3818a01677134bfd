/** The user asked for something that cannot be: exit code 1, and the message says what, where and the remedy. */
export class Mistake extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Mistake';
  }
}

/** The name most like the one asked for; null when none is at all like it. */
export function nearest(asked: string, names: readonly string[]): string | null {
  const scored = names.map((name) => ({ name, distance: editDistance(asked, name) })).sort((a, b) => a.distance - b.distance);
  const first = scored[0];
  return first && first.distance <= Math.max(2, Math.ceil(asked.length / 2)) ? first.name : null;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      current.push(Math.min((current[j - 1] ?? 0) + 1, (previous[j] ?? 0) + 1, (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
