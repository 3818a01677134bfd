import { CODE, NAME, weigh, type Owner, type Weighed } from './signs.ts';

/** What a piece of code was taken for. */
export interface Judged {
  readonly owner: Owner;
  readonly weight: number;
  /** How much of that is in its code, and not only in its name. */
  readonly shown: number;
  readonly reason: string;
  /** It computes a score, so nobody may have any of it. */
  readonly measures: boolean;
  /** It steps an optimizer. */
  readonly trains: boolean;
}

/** Whose a piece of code is. For a value its name says most; for a function or a class, what it does. */
export function judge({ name, code, isValue }: { readonly name: string; readonly code: string; readonly isValue: boolean }, metric: string): Judged {
  const byName = weigh(NAME, name);
  const byCode = weigh(CODE, code);
  const isClass = /^\s*class\s/m.test(code);
  const trains = !isValue && /\.backward\s*\(|optim\w*\.step\s*\(/.test(code);
  const prints = isValue || isClass ? null : printsOf(code, metric);
  const kept = byName.find(({ owner }) => owner === 'protected') ?? (trains || isClass ? undefined : byCode.find(({ owner, weight }) => owner === 'protected' && weight >= 3));
  if (kept) return { owner: 'protected', weight: 3, shown: 3, reason: kept.reasons[0] ?? '', measures: true, trains };
  const all = sum(isValue ? byName : byName.map((one) => ({ ...one, weight: Math.min(one.weight, 2) })), byCode).filter(({ owner }) => owner !== 'protected');
  const [first, second] = all;
  if (prints !== null && !trains) return { owner: 'protected', weight: 3, shown: 3, reason: prints, measures: false, trains };
  if (first === undefined) return { owner: 'protected', weight: 0, shown: 0, reason: 'nothing in it speaks for a role', measures: false, trains };
  const leans = second !== undefined && second.weight >= 2 ? `; leans to ${second.owner} too (${second.reasons[0] ?? ''})` : '';
  return { owner: first.owner, weight: first.weight, shown: byCode.find(({ owner }) => owner === first.owner)?.weight ?? 0, reason: `${first.reasons.slice(0, 2).join(', ')}${leans}${prints === null ? '' : `; ${prints}, so its owner could print anything`}`, measures: false, trains };
}

/** That the command sets a value itself, as `--max_iters=100`: turning its default would change nothing. Null when it does not. */
export function setBy({ options }: { readonly options: readonly string[] }, name: string): Judged | null {
  const option = options.find((given) => given === name || given.slice(2).replaceAll('-', '_') === name);
  return option === undefined ? null : { owner: 'protected', weight: 3, shown: 3, reason: `the command sets ${option}`, measures: false, trains: false };
}

function sum(a: readonly Weighed[], b: readonly Weighed[]): readonly Weighed[] {
  const owners = [...new Set([...b, ...a].map(({ owner }) => owner))];
  return owners.map((owner): Weighed => {
    const both = [...b, ...a].filter((one) => one.owner === owner);
    return { owner, weight: both.reduce((total, { weight }) => total + weight, 0), reasons: both.flatMap(({ reasons }) => reasons) };
  }).sort((one, other) => other.weight - one.weight);
}

/** Whether code prints the metric: a string with its words stands in a call that prints or logs. */
function printsOf(code: string, metric: string): string | null {
  const words = metric.split(/[^A-Za-z0-9]+/).filter((word) => word !== '').join('[\\s_/.-]*');
  return new RegExp(String.raw`\b(?:print\w*|log\w*|write|info)\s*\([^]{0,200}?["'][^"'\n]*(?:\b|_)${words}`, 'i').test(code) ? `it prints ${metric}` : null;
}
