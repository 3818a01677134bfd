import type { Recipe } from '../../../../domain/recipe.ts';
import type { Parameter, Values } from '../../../../domain/study.ts';
import type { Syntax } from '../../../../ports.ts';
import type { Edit } from '../moves/edit.ts';
import type { Ground } from '../moves/ground.ts';
import { join } from '../moves/join.ts';
import { isOwnKnob, knobsOf, knobValue, type Knob } from '../moves/knob.ts';
import { editMove, knobMove, readMove, slotOf } from '../moves/move.ts';
import { literalAt, rungOf } from './ladder.ts';

// A partition as a space that a sampler can search: the same moves that a search has.
//
//   S1. An edit is a parameter of its own, in or out; edits that exclude one another make way as they do in a search.
//   S2. A numeric knob is a rung: half-doublings from the value it has when nobody turned it, edits included. Flags and choices are their literals.
//   S3. Rungs are asked within one octave of where the best stands, so that the range goes where the gains go.
//   S4. A knob that only an edit brings is asked only with that edit.

/** One octave, in rungs. */
const REACH = 2;

const IN = 'in';
const OUT = 'out';

export interface Space {
  readonly parameters: readonly Parameter[];
  /** Where a set of moves lies in the space, as far as this partition goes; null when it cannot be built. */
  locate(moves: readonly string[]): Values | null;
  /** The moves of a place: those of others in the best stay as they are. Null when it cannot be built. */
  movesAt(values: Values): string[] | null;
}

export interface Partition { readonly edits: readonly Edit[]; readonly library: readonly Edit[]; readonly owns: (file: string, symbol: string) => boolean }

/** The space of one partition around a best. */
export function spaceAround(best: readonly string[], ground: Ground, { edits, library, owns }: Partition, syntax: Syntax): Space {
  const own = edits.map(editMove);
  const here = knobsOf(ground.recipe, owns, syntax);
  const isMine = (text: string): boolean => {
    const move = readMove(text);
    return move !== null && (move.kind === 'edit' ? own.includes(text) : isOwnKnob(move, here, owns));
  };
  const others = best.filter((text) => !isMine(text));
  const recipeOf = (moves: readonly string[]): Recipe | null => {
    const built = ground.build(moves);
    return built.kind === 'built' ? built.recipe : null;
  };
  const knobsIn = (moves: readonly string[]): Knob[] => {
    const recipe = recipeOf(moves);
    return recipe === null ? [] : knobsOf(recipe, owns, syntax);
  };
  const nameOf = (knob: { readonly file: string; readonly name: string }): string => slotOf(knobMove(knob, ''));

  const knobs = new Map(knobsIn(others).map((knob) => [nameOf(knob), { knob, bringers: null as string[] | null }]));
  for (const edit of own) { // S4
    for (const knob of knobsIn([...others, edit])) {
      const known = knobs.get(nameOf(knob));
      if (known === undefined) knobs.set(nameOf(knob), { knob, bringers: [edit] });
      else known.bringers?.push(edit);
    }
  }

  const locate = (moves: readonly string[]): Values | null => {
    const chosen = moves.filter((text) => own.includes(text));
    const unturned = recipeOf([...others, ...chosen]);
    if (unturned === null) return null;
    const values: Record<string, string | number> = Object.fromEntries(own.map((edit) => [edit, chosen.includes(edit) ? IN : OUT])); // S1
    for (const [name, { knob, bringers }] of knobs) {
      if (bringers !== null && !bringers.some((edit) => chosen.includes(edit))) continue;
      const from = knobValue(unturned, knob.file, knob.name);
      if (from === null) continue;
      const value = moves.find((text) => slotOf(text) === name)?.slice(name.length + 1) ?? from;
      values[name] = knob.choices.length > 0 ? value : rungOf(knob, from, value); // S2
    }
    return values;
  };
  const stands = locate(best) ?? {};
  const parameters = [
    ...own.map((name): Parameter => ({ kind: 'choice', name, when: [], choices: [OUT, IN] })),
    ...[...knobs].map(([name, { knob, bringers }]): Parameter => {
      const when = (bringers ?? []).map((parameter) => ({ parameter, value: IN }));
      const at = Number(stands[name] ?? 0);
      return knob.choices.length > 0 ? { kind: 'choice', name, when, choices: [...knob.choices] } : { kind: 'rung', name, when, low: at - REACH, high: at + REACH }; // S3
    }),
  ];
  return {
    parameters, locate,
    movesAt(values) {
      const withEdits = join(library, others, own.filter((edit) => values[edit] === IN));
      const unturned = recipeOf(withEdits);
      if (unturned === null) return null;
      const turned = [...knobs].flatMap(([name, { knob }]) => {
        const [value, from] = [values[name], knobValue(unturned, knob.file, knob.name)];
        if (value === undefined || from === null) return [];
        const literal = typeof value === 'string' ? value : literalAt(knob, from, value);
        return literal === from ? [] : [knobMove(knob, literal)];
      });
      return [...withEdits, ...turned];
    },
  };
}
