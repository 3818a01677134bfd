import type { Proposer, SpecialistView, Thought } from '../../proposer.ts';
import { chance } from '../moves/chance.ts';
import { draftOn, seenIn } from '../moves/draft.ts';
import { drawMove } from '../moves/draw.ts';
import { grounds } from '../moves/ground.ts';
import { join } from '../moves/join.ts';
import { knobsOf } from '../moves/knob.ts';
import { editMove, readMove } from '../moves/move.ts';
import type { ProposerOptions, ProposerPorts } from '../options.ts';

// The random proposer: what a search is worth is what it gains over this one.
//
//   R1. One move of its partition, every edit and both ways of every knob as likely as another, on the best there is.
//   R2. Of outcomes it knows the best and nothing else; that a recipe was proposed before is no outcome, and it draws again.
//   R3. A proposal is a function of the seed, the specialist and the view.

/** How often it draws before it says that there is nothing left. */
const DRAWS = 500;

/** Opens the random proposer of one specialist. */
export function randomProposer(options: ProposerOptions, { syntax, patches }: ProposerPorts): Proposer {
  const { seed, specialist, library, roles, owns } = options;
  const groundOf = grounds(options, syntax);
  const edits = library.filter((edit) => roles.includes(edit.specialist)).map(editMove);
  return {
    async propose(view, signal): Promise<Thought> {
      const best = view.rows.find((row) => row.trial === view.best?.trial);
      if (best === undefined) return { kind: 'nothing', reason: 'the baseline has no result yet' };
      const ground = await groundOf(best, view);
      if (ground === null) return { kind: 'nothing', reason: `the code of ${best.trial} cannot be read` };
      const knobs = knobsOf(ground.recipe, owns, syntax);
      const drawn = chance(`random ${seed} ${specialist} ${stateOf(view, options.lineage)}`); // R3
      const seen = seenIn(view.rows);
      for (let draw = 0; draw < DRAWS; draw++) {
        signal.throwIfAborted();
        const move = drawMove(drawn, edits, knobs); // R1
        if (move === null) continue;
        const isThere = move.startsWith('edit:') && best.moves.includes(move);
        const moves = isThere ? best.moves.filter((other) => other !== move) : join(library, best.moves, [move]);
        const draft = draftOn(best, ground, seen, { kind: 'random', stamp: 'draw', moves, parts: [], expectedDelta: () => 0, hypothesis: say(move, isThere, best.trial) }, patches); // R2
        if (draft !== null) return { kind: 'proposal', draft };
      }
      return { kind: 'nothing', reason: `${DRAWS} draws around ${best.trial} gave nothing new` };
    },
  };
}

/** Only what a specialist may see decides: how many trials there are, and how many of them have ended. */
const stateOf = (view: SpecialistView, lineage: boolean): string =>
  (lineage ? `${view.rows.length} ${view.rows.filter((row) => row.status !== null).length} ${view.best?.trial ?? ''}` : String(view.asOf));

function say(text: string, isThere: boolean, best: string): string {
  const move = readMove(text);
  const what = move?.kind === 'knob' ? `${move.name} = ${move.value} in ${move.file}` : `${isThere ? 'without' : 'with'} ${text.slice('edit:'.length)}`;
  return `${what}, drawn at random on ${best}`;
}
