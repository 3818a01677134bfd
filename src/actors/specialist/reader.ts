import type { Bus, Clock } from '../../ports.ts';
import { ReadFeedback, ReadRecipe, ReadRows, type LineageRow } from '../../protocols/lineage.ts';
import { isThere, patienceMs, type Wanted } from './decide.ts';
import type { SpecialistView } from './proposer.ts';

const ASK_MS = 5_000;
/** Between two looks at the lineage while waiting: short against any trial, long against the cost of a look. */
const LOOK_MS = 300;
const PAGE = 500;

type Rows = ReturnType<typeof ReadRows.reply.parse>;

/** The lineage as one specialist follows it, row by changed row. */
export interface Reader {
  /** Everything up to the newest position. The feedback is read when `wantsFeedback` says the rows call for a thought. */
  view(signal: AbortSignal, wantsFeedback: (rows: readonly LineageRow[]) => boolean): Promise<SpecialistView>;
  /** Resolves once what is wanted is in the lineage, or has been waited for long enough. Where rows are closed, any new fact will do: the broker decides. */
  until(wanted: Wanted, signal: AbortSignal): Promise<'there' | 'overdue'>;
}

/** Follows one run's lineage by asking its keeper. */
export function lineageReader({ bus, clock }: { readonly bus: Bus; readonly clock: Clock }, { run, specialist, lineage, signal: lifetime }: { readonly run: string; readonly specialist: string; readonly lineage: boolean; readonly signal: AbortSignal }): Reader {
  const rows = new Map<string, LineageRow>();
  let asOf = 0;
  let best: SpecialistView['best'] = null;
  let noise: number | null = null;
  let keep: NonNullable<SpecialistView['keep']> | null = null;

  async function refresh(signal: AbortSignal): Promise<readonly LineageRow[]> {
    let after = asOf;
    let moment: number | null = null; // later pages are of the same moment as the first
    for (;;) {
      const page: Rows = await bus.ask(ReadRows, { run }, { after, asOf: moment, limit: PAGE }, { timeoutMs: ASK_MS, signal });
      for (const row of page.rows) rows.set(row.trial, row);
      moment = page.asOf;
      after = page.rows.at(-1)?.seq ?? after;
      best = page.best;
      noise = page.noise ?? null;
      keep = page.keep ?? null;
      if (!page.more || page.rows.length === 0) break;
    }
    asOf = moment;
    return [...rows.values()].sort((a, b) => (a.trial.length - b.trial.length) || (a.trial < b.trial ? -1 : 1));
  }

  return {
    async view(signal, wantsFeedback) {
      const read = await refresh(signal);
      const at = asOf;
      const feedback = wantsFeedback(read) ? (await bus.ask(ReadFeedback, { run }, { specialist, asOf: at }, { timeoutMs: ASK_MS, signal })).text : null;
      return {
        asOf: at, rows: read, best, noise, keep, feedback,
        recipeOf: async (snapshot) => (await bus.ask(ReadRecipe, { run }, { snapshot }, { timeoutMs: ASK_MS, signal: lifetime })).recipe,
      };
    },
    async until(wanted, signal) {
      const before = asOf;
      const limit = patienceMs(wanted);
      const end = clock.now() + (limit ?? Infinity);
      for (;;) {
        const now = await refresh(signal);
        if (lineage ? isThere(wanted, now) : asOf > before) return 'there';
        if (clock.now() >= end) return 'overdue';
        await clock.wait(LOOK_MS, signal);
      }
    },
  };
}
