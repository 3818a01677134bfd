import { counted, decimal, percent, plural, signed } from '../figures.ts';
import type { Comparison } from './comparison.ts';
import type { Estimate } from './estimate.ts';
import type { Feature } from './features.ts';

/** The table of arms: its head, and a line a feature. */
export const armTable = ({ features, arms }: Comparison): string[][] => [
  ['', ...arms.map(({ arm }) => arm)],
  ...features.map((feature, i) => [feature.name, ...arms.map((one) => written(feature, one.features[i] ?? null, digitsOf(arms.map((other) => other.features[i] ?? null))))]),
];

/** The table of differences, seed by seed; only its head where no seeds pair up. */
export const pairedTable = ({ features, paired }: Comparison): string[][] => {
  const held = paired.filter(({ seeds }) => seeds.length > 0);
  return [['', ...held.map(({ arm, against, seeds }) => `${arm} minus ${against}, ${plural(seeds.length, 'seed')}`)], ...(held.length === 0 ? [] : features.map((feature, i) => [
    feature.name, ...held.map((one) => written(asDifference(feature), one.features[i] ?? null, digitsOf(held.map((other) => other.features[i] ?? null)))),
  ]))];
};

/** What was compared, at which budget. */
export const comparedAt = ({ at, metric, direction, surface, arms }: Comparison): string => [
  surface === 'imported' ? 'imported runs' : surface, `${metric}, ${direction}d`,
  at === null ? 'whole runs' : at.budget === 'trials' ? `the first ${plural(at.most, 'trial')} of each, as many as ${at.setBy} has` : `the first ${counted(at.most)} slot-seconds of each, as many as ${at.setBy} used`,
  `${plural(arms.reduce((sum, { courses }) => sum + courses.length, 0), 'run')}, ${plural(arms.length, 'arm')}`,
].join('   ');

/** A table in Markdown. */
export const asMarkdown = ([head = [], ...rows]: readonly (readonly string[])[]): string =>
  [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('');

const asDifference = (feature: Feature): Feature => (feature.kind === 'score' ? { ...feature, kind: 'change' } : feature);

/** Decimals with which the largest of some scores has three digits, and four at least. */
function digitsOf(all: readonly (Estimate | null)[]): number {
  const largest = Math.max(...all.map((one) => Math.abs(one?.mean ?? 0)));
  return largest === 0 ? 4 : Math.min(9, Math.max(4, 3 - Math.floor(Math.log10(largest))));
}

/** A mean, its interval, and over how many runs where they are several. */
function written(feature: Feature, found: Estimate | null, digits: number): string {
  if (found === null) return '';
  const say = sayer(feature, found, digits);
  return found.interval === null ? `${say(found.mean)}${found.n > 1 ? `, n ${found.n}` : ''}` : `${say(found.mean)} (${say(found.interval[0])} … ${say(found.interval[1])}), n ${found.n}`;
}

function sayer({ kind }: Feature, { n, mean }: Estimate, digits: number): (value: number) => string {
  switch (kind) {
    case 'score': return (value) => decimal(value, Math.max(digits, 6)).replace(/(\.\d{4}\d*?)0+$/, '$1');
    case 'change': return (value) => signed(value, digits);
    case 'relative': return (value) => `${signed(value * 100, 2)}%`;
    case 'share': return (value) => percent(value, 1);
    case 'count': return n === 1 && Number.isInteger(mean) ? counted : (value) => decimal(value, 1);
    case 'hours': case 'money': return (value) => decimal(value, 2);
    default: return kind satisfies never;
  }
}
