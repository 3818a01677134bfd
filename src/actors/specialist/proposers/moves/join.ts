import type { Edit } from './edit.ts';
import { change, editMove } from './move.ts';

/** Edits already in a set of moves that an edit cannot stand beside. */
export const displacedBy = (library: readonly Edit[], edit: Edit, moves: readonly string[]): string[] =>
  library.filter((other) => other.specialist === edit.specialist && other.name !== edit.name && (edit.excludes.includes(other.name) || other.excludes.includes(edit.name)))
    .map(editMove).filter((move) => moves.includes(move));

/** Adds changes to a set of moves; what a new edit excludes makes way. */
export const join = (library: readonly Edit[], moves: readonly string[], put: readonly string[]): string[] =>
  put.reduce<string[]>((sum, text) => {
    const edit = library.find((other) => editMove(other) === text);
    return change(sum, [text], edit === undefined ? [] : displacedBy(library, edit, sum));
  }, [...moves]);
