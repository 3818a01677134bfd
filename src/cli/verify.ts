import { isDeepStrictEqual } from 'node:util';
import type { Command } from 'commander';
import { weigh } from '../actors/trial/index.ts';
import { verifySignature } from '../adapters/signature/index.ts';
import type { Fact } from '../domain/fact.ts';
import type { TrialId } from '../domain/ids.ts';
import { emptyLineage, grow, type Verify } from '../domain/lineage.ts';
import type { TrialResult } from '../domain/trial.ts';
import { plural } from '../domain/figures.ts';
import { jsonLine, reading, runCommand } from './reading.ts';
import type { Surroundings } from './surroundings.ts';

/** One stored result beside what the journal before it says. */
export interface Proof { readonly trial: TrialId; readonly agrees: boolean; readonly stored: TrialResult; readonly judged: TrialResult | null; readonly differs: readonly string[] }

/** `brigade verify`: folds the journal again and proves every stored status; exit code 2 when one does not hold. */
export function verifyCommand(program: Command, here: Surroundings): void {
  runCommand(program, 'verify', 'judge every trial again from the journal and compare with what was stored', 'verify golf-mini-1121a')
    .action(async (run: string | undefined, flags: { json?: boolean }) => reading(here, run, (opened) => {
      const { proofs, refused, unproved, odd, superseded } = prove(opened.run, opened.facts, verifySignature);
      const wrong = proofs.filter(({ agrees }) => !agrees);
      if (wrong.length + odd + unproved > 0) process.exitCode = 2;
      if (flags.json) {
        for (const proof of proofs) here.out.write(jsonLine({ run: opened.run, ...proof }));
        here.out.write(jsonLine({ run: opened.run, facts: opened.facts.length, proved: proofs.length - wrong.length, wrong: wrong.length, refused, unproved, odd, superseded }));
        return;
      }
      for (const { trial, stored, judged, differs } of wrong) here.out.write(`${trial}   stored ${stored.status}, judged again ${judged?.status ?? 'not ended yet'}   differs in ${differs.join(', ') || 'everything'}\n`);
      here.out.write(`${wrong.length === 0 && odd + unproved === 0 ? 'holds' : 'does not hold'}   ${plural(opened.facts.length, 'fact')} folded again   ${proofs.length - wrong.length} stored statuses proved, ${wrong.length} wrong   ${plural(refused, 'proposal')} refused   ${superseded} measurements superseded   ${odd} facts that make no sense${unproved > 0 ? `   ${unproved} results say they were judged after they were said` : ''}\n`);
    }));
}

/** Judges every result again at the position it says it was judged at. */
export function prove(run: string, facts: readonly Fact[], verify: Verify): { readonly proofs: Proof[]; readonly refused: number; readonly unproved: number; readonly odd: number; readonly superseded: number } {
  const due = new Map<number, { trial: TrialId; stored: TrialResult }[]>();
  let results = 0;
  for (const fact of facts) {
    if (fact.word !== 'trial.result') continue;
    results += 1;
    if (fact.body.judgedAt >= fact.seq) continue;
    due.set(fact.body.judgedAt, [...(due.get(fact.body.judgedAt) ?? []), { trial: fact.ids[0], stored: fact.body }]);
  }
  const lineage = emptyLineage();
  const proofs: Proof[] = [];
  for (const fact of facts) {
    grow(lineage, fact, run, verify);
    for (const { trial, stored } of due.get(fact.seq) ?? []) {
      const row = lineage.trials.get(trial);
      const need = row && row.result === null ? weigh(lineage, row) : null;
      const judged = need?.kind === 'end' ? need.result : null;
      const differs = judged === null ? [] : Object.keys({ ...stored, ...judged }).filter((key) => !isDeepStrictEqual(Reflect.get(stored, key), Reflect.get(judged, key)));
      proofs.push({ trial, stored, judged, agrees: judged !== null && differs.length === 0, differs });
    }
  }
  return { proofs, refused: facts.filter(({ word }) => word === 'trial.rejected').length, unproved: results - proofs.length, odd: lineage.odd, superseded: lineage.superseded };
}
