import { decimal, plural, signed } from '../../domain/figures.ts';
import { range } from '../../domain/leaderboard.ts';
import type { Lineage } from '../../domain/lineage.ts';
import type { Repeated, Reproduction } from '../../domain/analysis/reproduction.ts';
import { aligned, painter } from './terminal.ts';

const SHOWN: readonly Repeated['verdict'][] = ['differs', 'not measured', 'judged otherwise'];

/** A replay against what it replays: how many trials agree, and every one that does not. */
export function reproductionLines(run: string, again: string, lineage: Lineage, found: Reproduction, { color }: { readonly color: boolean }): string[] {
  const paint = painter(color);
  const of = (verdict: Repeated['verdict']): readonly Repeated[] => found.trials.filter((one) => one.verdict === verdict);
  const compared = found.trials.filter(({ difference }) => difference !== null).length;
  const metric = lineage.started?.objective.metric ?? 'score';
  const rows = SHOWN.flatMap((verdict) => of(verdict).map((one) => [verdict === 'judged otherwise' ? paint('warn', verdict) : paint('bad', verdict), one.trial, one.specialist, `${one.before.status ?? 'unfinished'} → ${one.again.status ?? 'unfinished'}`, one.difference === null ? '' : `${signed(one.difference)}, noise up to ${decimal(one.bound ?? 0)}`, one.why]));
  const { claim } = found;
  return [
    `${paint('strong', `${again} against ${run}`)}   ${of('agrees').length} of ${plural(found.trials.length, 'proposal')} agree, ${of('judged otherwise').length} judged otherwise, ${of('differs').length} ${of('differs').length === 1 ? 'differs' : 'differ'}, ${of('not measured').length} not measured`,
    `noise    ± ${decimal(found.sd)} ${metric} a measurement, pooled over both; ${plural(compared, 'score')} compared, 95% for all together${found.isOnOtherDevice ? '; another device or environment, so changes from each run\'s own baseline are compared' : ''}`,
    ...aligned(rows),
    claim.before === null || claim.again === null ? `claim    ${claim.before === null ? `${run} made none` : `${again} made none`}`
      : `claim    ${signed(claim.before.delta)} (${range(claim.before.interval)}, ${claim.before.best}), again ${signed(claim.again.delta)} (${range(claim.again.interval)}, ${claim.again.best}): ${claim.agrees ? 'they agree' : paint('bad', 'they differ')}`,
    found.holds ? paint('good', 'it came out as it had') : paint('bad', 'it did not come out as it had'),
  ];
}

/** The same for machines. */
export const reproductionObject = (run: string, again: string, { claim, ...found }: Reproduction): object => ({ event: 'replay.compared', run: again, replays: run, ...found, claim });
