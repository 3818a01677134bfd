import type { Recipe } from '../../../../domain/recipe.ts';
import type { Syntax } from '../../../../ports.ts';
import type { Believe } from './belief.ts';
import type { Built } from '../moves/build.ts';
import type { Chance } from '../moves/chance.ts';
import type { Edit } from '../moves/edit.ts';
import { join as joinMoves } from '../moves/join.ts';
import type { Attempt, History } from './history.ts';
import { isOwnKnob, knobValue, type Knob } from '../moves/knob.ts';
import { difference, editMove, knobMove, readMove, slotOf, type Move } from '../moves/move.ts';

/** A set of moves that might be proposed, and why. */
export interface Candidate {
  /** As stamped on the trial, e.g. `repair(t0002)`. */
  readonly stamp: string;
  readonly moves: readonly string[];
  /** What and why, in a sentence. */
  readonly hypothesis: string;
  readonly parts: readonly string[];
}

/** What every way of searching looks at. */
export interface Bench {
  readonly specialist: string;
  readonly history: History;
  /** Moves of the current best. */
  readonly moves: readonly string[];
  readonly recipe: Recipe;
  /** Knobs of this specialist in the current best. */
  readonly knobs: readonly Knob[];
  /** Edits this specialist may make. */
  readonly edits: readonly Edit[];
  readonly library: readonly Edit[];
  readonly owns: (file: string, symbol: string) => boolean;
  readonly syntax: Syntax;
  readonly build: (moves: readonly string[]) => Built;
  /** What a set of moves is believed to gain over another. */
  readonly believe: Believe;
  /** What it is worth to try a set of moves on the best. */
  readonly worthOf: (moves: readonly string[]) => number;
  /** A place in [0, 1) for anything with a name: of the seed alone where the lineage is open, so that nothing else ranks what is untried. */
  readonly rank: (key: string) => number;
  /** Decides everything else; of the seed and of how far the run has come. */
  readonly chance: Chance;
}

/** Whether a move lies in this specialist's partition. */
export function isMine(bench: Bench, text: string): boolean {
  const move = readMove(text);
  if (move === null) return false;
  return move.kind === 'edit' ? bench.edits.some((edit) => editMove(edit) === text) : isOwnKnob(move, bench.knobs, bench.owns);
}

/** Adds changes to a set of moves; what a new edit excludes makes way. */
export const join = (bench: Bench, moves: readonly string[], put: readonly string[]): string[] => joinMoves(bench.library, moves, put);

/** A change of the best by these moves, as a candidate; none where they cannot all stand beside one another. */
export function proposed(bench: Bench, { put, ...said }: Omit<Candidate, 'moves' | 'parts'> & { readonly put: readonly string[] }): Candidate[] {
  const moves = join(bench, bench.moves, put);
  return put.every((move) => moves.includes(move)) ? [{ ...said, moves, parts: [] }] : [];
}

/** A candidate with the moves its recipe is really made of; none where it cannot be built, or a move that it names changes nothing there. */
export function realise(bench: Bench, candidate: Candidate): Candidate[] {
  const built = bench.build(candidate.moves);
  return built.kind === 'built' && difference(candidate.moves, bench.moves).put.every((move) => built.moves.includes(move)) ? [{ ...candidate, moves: built.moves }] : [];
}

/** A knob's value in the current best without the given move: what it would fall back to. */
export function fallback(bench: Bench, move: Extract<Move, { kind: 'knob' }>): string | null {
  const slot = slotOf(knobMove(move, ''));
  const built = bench.build(bench.moves.filter((text) => slotOf(text) !== slot));
  return built.kind === 'built' ? knobValue(built.recipe, move.file, move.name) : null;
}

/** The value a knob had in the parent of an attempt. */
export function valueBefore(bench: Bench, attempt: Attempt, move: Extract<Move, { kind: 'knob' }>): string | null {
  const slot = slotOf(knobMove(move, ''));
  const there = bench.history.byId(attempt.row.parent)?.moves.find((text) => slotOf(text) === slot);
  return there === undefined ? fallback(bench, move) : there.slice(slot.length + 1);
}

/** A move in a person's words. */
export function sayMove(bench: Bench, text: string): string {
  const move = readMove(text);
  if (move === null) return text;
  if (move.kind === 'edit') return bench.library.find((edit) => editMove(edit) === text)?.hypothesis ?? move.name;
  const before = bench.knobs.find((knob) => knob.file === move.file && knob.name === move.name)?.value;
  return `${move.name} ${before === undefined ? '' : `${before} → `}${move.value}`;
}

/** Things in the seed's own order. */
export const ranked = <T>(bench: Bench, items: readonly T[], keyOf: (item: T) => string): T[] =>
  items.map((item) => ({ item, at: bench.rank(keyOf(item)) })).sort((a, b) => a.at - b.at).map(({ item }) => item);
