import type { Course } from './course.ts';
import { diversity, type Diversity } from './diversity.ts';
import { edges, type Edges } from './edges.ts';
import { outcomes, type Outcomes } from './outcomes.ts';

/** What is compared of one run: each a number, or null where it is not known. */
export interface Feature {
  readonly name: string;
  readonly kind: 'score' | 'change' | 'share' | 'relative' | 'count' | 'hours' | 'money';
  /** Left out where it is 0 in every arm. */
  readonly isIdleAtZero?: true;
  readonly of: (facts: RunFacts) => number | null;
}

/** Everything features are read from. */
export interface RunFacts { readonly course: Course; readonly outcomes: Outcomes; readonly edges: Edges; readonly diversity: Diversity | null }

/** Computes the tables of one run as far as it goes. */
export const factsOf = (course: Course): RunFacts => ({ course, outcomes: outcomes(course.record), edges: edges(course.record), diversity: diversity(course.record) });

const over = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
const deltaOf = ({ course }: RunFacts): number | null => course.steps.at(-1)?.delta ?? null;

/** The paper's control table, in the order it is read. */
export const FEATURES: readonly Feature[] = [
  { name: 'best', kind: 'score', of: ({ course }) => course.steps.at(-1)?.score ?? null },
  { name: 'change from start', kind: 'change', of: deltaOf },
  { name: 'of the start', kind: 'relative', of: (facts) => { const [delta, { start }] = [deltaOf(facts), facts.course]; return delta === null || !start ? null : delta / Math.abs(start); } },
  { name: 'final claim', kind: 'change', of: ({ outcomes: { claim } }) => claim?.delta ?? null },
  { name: 'trials', kind: 'count', of: ({ outcomes: { trials } }) => trials },
  { name: 'keeps', kind: 'count', of: ({ outcomes: { counts } }) => counts.keep ?? 0 },
  { name: 'valid score', kind: 'share', of: ({ outcomes: { validShare } }) => validShare },
  { name: 'training overruns', kind: 'count', isIdleAtZero: true, of: ({ outcomes: { trainOverruns } }) => trainOverruns },
  { name: 'evaluation overruns', kind: 'count', isIdleAtZero: true, of: ({ outcomes: { evalOverruns } }) => evalOverruns },
  { name: 'refused before a slot', kind: 'count', isIdleAtZero: true, of: ({ course }) => (course.record.interventions === null ? null : course.record.refused) },
  { name: 'active parent heads', kind: 'count', of: ({ edges: { heads } }) => heads },
  { name: 'specialists with a keep', kind: 'count', of: ({ edges: { specialistsWithKeep } }) => specialistsWithKeep },
  { name: 'effective clusters', kind: 'count', of: ({ diversity: found }) => found?.effectiveClusters ?? null },
  { name: 'near duplicates', kind: 'count', of: ({ diversity: found }) => found?.nearDuplicates ?? null },
  { name: 'cross-role parents', kind: 'count', of: ({ edges: { parents } }) => parents.cross },
  { name: 'of parents that are trials', kind: 'share', of: ({ edges: { parents } }) => over(parents.cross, parents.all) },
  { name: 'cross-role keeps', kind: 'count', of: ({ edges: { keeps } }) => keeps.cross },
  { name: 'of keeps on trials', kind: 'share', of: ({ edges: { keeps } }) => over(keeps.cross, keeps.all) },
  { name: 'slot-hours', kind: 'hours', of: ({ course }) => { const used = course.steps.at(-1)?.slotSeconds ?? 0; return used === 0 ? null : used / 3600; } },
  { name: 'tokens', kind: 'count', isIdleAtZero: true, of: ({ course }) => (course.record.interventions === null ? null : course.spent.tokens) },
  { name: 'money', kind: 'money', isIdleAtZero: true, of: ({ course }) => (course.record.interventions === null ? null : course.spent.money) },
];
