import { counted, decimal, plural, signed } from '../figures.ts';
import type { Comparison } from './comparison.ts';
import type { Estimate } from './estimate.ts';
import type { Feature } from './features.ts';

/** The table of arms: its head, with how many runs each has, and a line a feature. */
export const armTable = ({ features, arms }: Comparison): string[][] => [
  ['', ...arms.map(({ arm, courses }) => headed(arm, courses.length))],
  ...features.map((feature, i) => {
    const all = arms.map((one) => one.features[i] ?? null);
    return [feature.name, ...arms.map(({ courses }, n) => written(sayer(feature, all, false), all[n] ?? null, courses.length))];
  }),
];

/** The table of differences, seed by seed: what differs at all, and the change in any case; only its head where no seeds pair up. */
export const pairedTable = ({ features, paired }: Comparison): string[][] => {
  const held = paired.filter(({ seeds }) => seeds.length > 0);
  const rows = features.flatMap((feature, i) => {
    const all = held.map((one) => one.features[i] ?? null);
    const isTold = feature.kind !== 'score' && (feature.name === 'change from start' || all.some((one) => one !== null && (one.mean !== 0 || one.interval?.[0] !== one.interval?.[1])));
    return isTold ? [[feature.name, ...held.map(({ seeds }, n) => written(sayer(feature, all, true), all[n] ?? null, seeds.length))]] : [];
  });
  return [['', ...held.map(({ arm, against, seeds }) => headed(`${arm} minus ${against}`, seeds.length))], ...(held.length === 0 ? [] : rows)];
};

const headed = (arm: string, n: number): string => (n > 1 ? `${arm} (n ${n})` : arm);

/** What was compared, at which budget. */
export const comparedAt = ({ at, metric, direction, surface, arms }: Comparison): string => [
  surface === 'imported' ? 'imported runs' : surface, `${metric}, ${direction}d`,
  at === null ? 'whole runs' : at.budget === 'trials' ? `the first ${plural(at.most, 'trial')} of each, as many as ${at.setBy} has` : `the first ${counted(at.most)} slot-seconds of each, as many as ${at.setBy} used`,
  `${plural(arms.reduce((sum, { courses }) => sum + courses.length, 0), 'run')}, ${plural(arms.length, 'arm')}`,
].join('   ');

/** A table in Markdown. */
export const asMarkdown = ([head = [], ...rows]: readonly (readonly string[])[]): string =>
  [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('');

/** Decimals with which the largest of some values has three digits, and so many at least. */
function digitsOf(all: readonly (Estimate | null)[], least: number): number {
  const largest = Math.max(...all.map((one) => Math.abs(one?.mean ?? 0)));
  return largest === 0 ? least : Math.min(9, Math.max(least, 3 - Math.floor(Math.log10(largest))));
}

/** A mean with its interval where it has a width, and over how many runs where they are not all. */
function written(say: (value: number) => string, found: Estimate | null, of: number): string {
  if (found === null) return '';
  const n = found.n === of ? '' : `, n ${found.n}`;
  return found.interval === null || found.interval[0] === found.interval[1] ? `${say(found.mean)}${n}` : `${say(found.mean)} (${say(found.interval[0])} … ${say(found.interval[1])})${n}`;
}

/** How values of a feature are written beside one another; a difference always with its sign. */
function sayer({ kind }: Feature, all: readonly (Estimate | null)[], isDifference: boolean): (value: number) => string {
  const areWhole = all.every((one) => one === null || (Number.isInteger(one.mean) && (one.interval === null || one.interval[0] === one.interval[1])));
  const say = isDifference ? signed : decimal;
  switch (kind) {
    case 'score': { const digits = Math.max(6, digitsOf(all, 4)); return (value) => decimal(value, digits).replace(/(\.\d{4}\d*?)0+$/, '$1'); }
    case 'change': { const digits = digitsOf(all, 4); return (value) => signed(value, digits); }
    case 'relative': return (value) => `${signed(value * 100, 2)}%`;
    case 'share': return (value) => `${say(value * 100, 1)}%`;
    case 'count': return areWhole ? (isDifference ? (value) => `${value < 0 ? '−' : value > 0 ? '+' : ''}${counted(Math.abs(value))}` : counted) : (value) => say(value, 1);
    case 'hours': { const digits = digitsOf(all, 2); return (value) => say(value, Math.min(4, digits)); }
    case 'money': { const digits = digitsOf(all, 2) > 3 ? 4 : 2; return (value) => say(value, digits); }
    default: return kind satisfies never;
  }
}
