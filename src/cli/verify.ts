import { isDeepStrictEqual } from 'node:util';
import type { Command } from 'commander';
import { weigh, weighClaim } from '../actors/trial/index.ts';
import { verifySignature } from '../adapters/signature/index.ts';
import { flawsText } from '../domain/damage.ts';
import type { Calibrated, Fact, RunBest } from '../domain/fact.ts';
import { BASELINE, type TrialId } from '../domain/ids.ts';
import { emptyLineage, grow, type Lineage, type Verify } from '../domain/lineage.ts';
import { sample } from '../domain/noise.ts';
import { isOpen } from '../domain/sessions.ts';
import type { TrialResult } from '../domain/trial.ts';
import { plural } from '../domain/figures.ts';
import { listRunFiles } from './place.ts';
import { jsonLine, reading, runCommand } from './reading.ts';
import type { Surroundings } from './surroundings.ts';
import { proveCompositions } from './verify-compositions.ts';
import { flawsByCopy } from './verify-copy.ts';
import { verifyImported } from './verify-imported.ts';

/** What a run says of itself: a trial's result, a new best, its calibration, its claim, or that two stand on a trial. */
type Said = 'status' | 'best' | 'calibration' | 'claim' | 'joint';

/** One thing the journal says beside what the journal before it proves. */
export interface Proof { readonly what: Said; readonly id: string; readonly agrees: boolean; readonly stored: unknown; readonly judged: unknown; readonly differs: readonly string[] }

/** `brigade verify`: folds the journal again and proves everything that was judged; exit code 2 when something does not hold. */
export function verifyCommand(program: Command, here: Surroundings): void {
  runCommand(program, 'verify', 'judge every trial again from the journal, and the bests, the calibration and the claim, and compare with what was stored', 'verify golf-mini-1121a')
    .action(async (run: string | undefined, flags: { json?: boolean }) => reading(here, run, async (opened) => {
      if (opened.lineage.imported) {
        const { text, holds } = verifyImported(opened, opened.lineage.imported, flags.json === true);
        if (!holds) process.exitCode = 2;
        here.out.write(text);
        return;
      }
      const { proofs, refused, unproved, odd, superseded } = prove(opened.run, opened.facts, verifySignature);
      const wrong = proofs.filter(({ agrees }) => !agrees);
      const { roster = null } = (await listRunFiles(here.place)).find((file) => file.run === opened.run) ?? {};
      const compositions = await proveCompositions(here.place.root, opened, roster);
      const unlike = compositions?.filter(({ why }) => why !== null) ?? [];
      const flaws = await flawsByCopy(opened);
      const holds = wrong.length + odd + unproved + unlike.length + flaws.length === 0;
      const proved = (what: Said): number => proofs.filter((proof) => proof.what === what && proof.agrees).length;
      if (!holds) process.exitCode = 2;
      if (flags.json) {
        for (const proof of proofs) here.out.write(jsonLine({ run: opened.run, ...proof }));
        for (const { trial, why } of compositions ?? []) here.out.write(jsonLine({ run: opened.run, what: 'composition', id: trial, agrees: why === null, why }));
        for (const flaw of flaws) here.out.write(jsonLine({ run: opened.run, what: 'journal', id: String(flaw.from), agrees: false, why: flawsText([flaw]) }));
        here.out.write(jsonLine({ run: opened.run, facts: opened.facts.length, proved: proved('status'), bests: proved('best'), calibrations: proved('calibration'), claims: proved('claim'), joints: proved('joint'), compositions: compositions === null ? null : compositions.length - unlike.length, wrong: wrong.length + unlike.length, refused, unproved, odd, superseded }));
        return;
      }
      for (const { what, id, differs, judged } of wrong) here.out.write(`${what} ${id}   ${judged === null ? 'nothing before it supports it' : `differs in ${differs.join(', ')}`}\n`);
      for (const { trial, why } of unlike) here.out.write(`composition ${trial}   ${why ?? ''}\n`);
      if (flaws.length > 0) here.out.write(`journal   is not what its keeper read: ${flawsText(flaws)}. It is put back by brigade runs restore ${opened.run}\n`);
      if (compositions === null) here.out.write('compositions   the surface is not there as it was, so they were not merged again\n');
      here.out.write(`${holds ? 'holds' : 'does not hold'}   ${plural(opened.facts.length, 'fact')} folded again   ${proved('status')} stored statuses, ${plural(proved('best'), 'best')}, ${plural(proved('calibration'), 'calibration')} and ${plural(proved('claim'), 'claim')} proved${proved('joint') === 0 ? '' : `, ${plural(proved('joint'), 'joint trial')}`}${compositions === null || compositions.length === 0 ? '' : `, ${plural(compositions.length - unlike.length, 'composition')} merged again`}, ${wrong.length + unlike.length} wrong   ${plural(refused, 'proposal')} refused   ${superseded} measurements superseded   ${odd} facts that make no sense${unproved > 0 ? `   ${unproved} results say they were judged after they were said` : ''}\n`);
    }));
}

/** Judges again whatever the run judged: results and bests at the position they say they were judged at, calibration and claim where they stand. */
export function prove(run: string, facts: readonly Fact[], verify: Verify): { readonly proofs: Proof[]; readonly refused: number; readonly unproved: number; readonly odd: number; readonly superseded: number } {
  const due = new Map<number, (TrialSaid & { readonly seq: number })[]>();
  let unproved = 0;
  for (const fact of facts) {
    if (fact.word !== 'trial.result' && fact.word !== 'run.best') continue;
    if (fact.body.judgedAt >= fact.seq) { unproved += 1; continue; }
    due.set(fact.body.judgedAt, [...(due.get(fact.body.judgedAt) ?? []), { ...(fact.word === 'run.best' ? { word: fact.word, id: fact.ids[0], trial: fact.body.trial, body: fact.body } : { word: fact.word, id: fact.ids[0], trial: fact.ids[0], body: fact.body }), seq: fact.seq }]);
  }
  const lineage = emptyLineage();
  const proofs: Proof[] = [];
  const compare = (what: Said, id: string, stored: object, judged: object | null): void => {
    const differs = judged === null ? [] : Object.keys({ ...stored, ...judged }).filter((key) => !isDeepStrictEqual(Reflect.get(stored, key), Reflect.get(judged, key)));
    proofs.push({ what, id, stored, judged, agrees: judged !== null && differs.length === 0, differs });
  };
  for (const fact of facts) {
    if (fact.word === 'run.claimed') {
      const due = weighClaim(lineage);
      compare('claim', fact.ids[0], fact.body, due?.kind === 'claim' ? due.claim : null);
    }
    if (fact.word === 'run.calibrated') compare('calibration', fact.body.reusedFrom ?? run, fact.body, calibrationOf(lineage, fact.body));
    if (fact.word === 'trial.admitted' && fact.body.proposal.joint) compare('joint', fact.ids[0], { specialist: fact.body.proposal.specialist, ...fact.body.proposal.joint }, draftOf(lineage, fact.body.proposal.joint.draft));
    grow(lineage, fact, run, verify);
    for (const said of due.get(fact.seq) ?? []) {
      const row = lineage.trials.get(said.trial);
      const need = row && row.result === null ? weigh(lineage, row) : null;
      if (said.word === 'trial.result') compare('status', said.id, said.body, need?.kind === 'end' ? need.result : null);
      else compare('best', said.id, { ordinal: said.id, ...said.body }, need?.kind === 'end' && need.newBest !== null ? { ordinal: String(need.newBest), trial: said.trial, score: need.result.score, snapshot: need.result.snapshot, judgedAt: said.body.judgedAt } : null);
    }
  }
  return { proofs, refused: facts.filter(({ word }) => word === 'trial.rejected').length, unproved, odd: lineage.odd, superseded: lineage.superseded };
}

type TrialSaid = { readonly id: string; readonly trial: TrialId } & ({ readonly word: 'trial.result'; readonly body: TrialResult } | { readonly word: 'run.best'; readonly body: RunBest });

/** Who may carry out a draft that still waits, and who drafted it; null where there is none. */
function draftOf({ sessions }: Lineage, draft: string): object | null {
  const row = sessions.joints.get(draft);
  return row && isOpen(row) ? { specialist: row.offered.to, draft, with: row.offered.from } : null;
}

/** A calibration as its measurements make it; those of this run must be in its journal, those of another are taken as they stand. */
function calibrationOf(lineage: Lineage, said: Calibrated): Calibrated {
  const measurements = said.reusedFrom !== null ? said.measurements : [...(lineage.trials.get(BASELINE)?.replicates.values() ?? [])].flatMap(({ measured }) => (measured ? [measured.measurement] : []));
  const scores = sample(measurements.flatMap((m) => (m.failure === null && m.score !== null ? [m.score] : [])));
  return { ...said, measurements, mean: scores.n > 0 ? scores.mean : null, sd: scores.sd };
}
