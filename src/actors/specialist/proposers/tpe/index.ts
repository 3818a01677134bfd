import { shortfall } from '../../../../domain/knowledge.ts';
import type { Study, Told } from '../../../../domain/study.ts';
import type { Proposer, SpecialistView, Thought } from '../../proposer.ts';
import { chance } from '../moves/chance.ts';
import { draftOn, seenIn } from '../moves/draft.ts';
import { grounds } from '../moves/ground.ts';
import { difference, readMove } from '../moves/move.ts';
import type { ProposerOptions, ProposerPorts } from '../options.ts';
import { readHistory, type Attempt, type History } from '../search/history.ts';
import { spaceAround, type Space } from './space.ts';

// The rival that a search is held against: a tree-structured Parzen estimator over the same knobs and edits.
//
//   T1. Each specialist has a study of its own partition, on top of what the others have in the best: so ownership holds, and one study is small
//       enough for thirty trials. An agent without a partition has one study of everything.
//   T2. The study is told every trial of its author: what it lost against its parent, and what its author had gained up to there, so that
//       the gains of others do not count. A failure is told as what it is, a constraint that was missed, by how much.
//   T3. It is made anew from the lineage each time: the same seed and view give the same proposal.
//   T4. What was proposed before is not proposed again: the next answer of the sampler is taken.

/** Answers asked for at once; all of them known or impossible means that there is nothing left nearby. */
const ANSWERS = 16;

/** Opens the TPE proposer of one specialist. */
export function tpeProposer(options: ProposerOptions, { syntax, patches, sampler }: ProposerPorts): Proposer {
  const { seed, specialist, library, roles, owns } = options;
  if (sampler === null) throw new Error('the tpe proposer needs a sampler');
  const groundOf = grounds(options, syntax);
  const partition = { edits: library.filter((edit) => roles.includes(edit.specialist)), library, owns };
  return {
    async propose(view, signal): Promise<Thought> {
      const history = readHistory(view, options.objective);
      if (history === null) return { kind: 'nothing', reason: 'the baseline has no result yet' };
      const { best } = history;
      const ground = await groundOf(best, view);
      if (ground === null) return { kind: 'nothing', reason: `the code of ${best.trial} cannot be read` };
      const space = spaceAround(best.moves, ground, partition, syntax);
      if (space.parameters.length === 0) return { kind: 'nothing', reason: `${specialist} has neither knobs nor edits` };
      const study: Study = { seed: chance(`tpe ${seed} ${specialist} ${view.rows.length} ${view.rows.filter((row) => row.status !== null).length}`).below(2 ** 31), parameters: space.parameters, trials: told(specialist, view, history, space) }; // T3
      const seen = seenIn(view.rows);
      for (const values of await sampler.suggest(study, ANSWERS, signal)) {
        const moves = space.movesAt(values);
        const draft = moves && draftOn(best, ground, seen, { kind: 'tpe', stamp: `ask(${study.trials.length})`, moves, parts: [], expectedDelta: () => 0, hypothesis: say(moves, best.moves, study.trials.length) }, patches); // T4
        if (draft) return { kind: 'proposal', draft };
      }
      return { kind: 'nothing', reason: `${ANSWERS} answers of the sampler around ${best.trial} were known or cannot be built` };
    },
  };
}

/** Everything the study of one author is told, the baseline first. */
function told(specialist: string, view: SpecialistView, history: History, space: Space): Study['trials'] {
  const attempts = new Map(history.attempts.map((attempt) => [attempt.row.trial, attempt]));
  const gained = (trial: string, depth = 0): number => { // what its author's part had gained up to there
    const attempt = attempts.get(trial);
    if (attempt === undefined || depth > attempts.size) return 0;
    return gained(attempt.row.parent, depth + 1) + (attempt.row.specialist === specialist ? attempt.gain ?? 0 : 0);
  };
  return view.rows.flatMap((row) => {
    const attempt = attempts.get(row.trial);
    if (attempt === undefined ? row.status !== 'baseline' : row.specialist !== specialist || attempt.verdict === 'refused') return [];
    const values = space.locate(row.moves);
    return values === null ? [] : [{ values, told: attempt === undefined ? { kind: 'scored', loss: 0 } as const : ending(attempt, gained(row.parent)) }];
  });
}

function ending(attempt: Attempt, before: number): Told { // T2
  if (attempt.verdict === 'open') return { kind: 'open' };
  if (attempt.verdict === 'failed') return { kind: 'failed', missedBy: Math.min(1, Math.max(1e-6, shortfall(attempt.row.failure))) };
  return attempt.gain === null ? { kind: 'failed', missedBy: 1 } : { kind: 'scored', loss: -(before + attempt.gain) };
}

function say(moves: readonly string[], best: readonly string[], told: number): string {
  const { put, taken } = difference(moves, best);
  const words = [...put.map((text) => { const move = readMove(text); return move?.kind === 'knob' ? `${move.name} = ${move.value}` : `with ${text.slice(5)}`; }), ...taken.map((text) => (text.startsWith('edit:') ? `without ${text.slice(5)}` : `${readMove(text)?.name ?? text} as it was`))];
  return `${words.join(', ') || 'no change'}: expected to improve most after ${told} told`;
}
