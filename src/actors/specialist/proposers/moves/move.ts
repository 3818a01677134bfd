// A move is one named step away from the baseline. A recipe that search made is the baseline plus a set of moves.
//
//   M1. A set of moves is kept sorted and names each slot once, so equal sets have equal texts.

/** One named step: a program edit of the library, or a knob set to a literal. */
export type Move =
  | { readonly kind: 'edit'; readonly specialist: string; readonly name: string }
  | { readonly kind: 'knob'; readonly file: string; readonly name: string; readonly value: string };

/** Reads a move's text; null for what another kind of proposer may have written there. */
export function readMove(text: string): Move | null {
  const edit = /^edit:([^/]+)\/(.+)$/.exec(text);
  if (edit?.[1] !== undefined && edit[2] !== undefined) return { kind: 'edit', specialist: edit[1], name: edit[2] };
  const knob = /^knob:([^:]+):([^=:]+)=(.+)$/.exec(text);
  if (knob?.[1] !== undefined && knob[2] !== undefined && knob[3] !== undefined) return { kind: 'knob', file: knob[1], name: knob[2], value: knob[3] };
  return null;
}

/** What a move occupies: a knob has one value, an edit is there or not. */
export const slotOf = (move: string): string => (move.startsWith('knob:') ? move.slice(0, move.indexOf('=')) : move);

/** The move that applies an edit of the library. */
export const editMove = (edit: { readonly specialist: string; readonly name: string }): string => `edit:${edit.specialist}/${edit.name}`;
/** The move that sets a knob to a value. */
export const knobMove = (knob: { readonly file: string; readonly name: string }, value: string): string => `knob:${knob.file}:${knob.name}=${value}`;

/** The moves with some taken away and others put in; a knob's new value takes the place of its old one. */
export function change(moves: readonly string[], put: readonly string[], take: readonly string[] = []): string[] {
  const bySlot = new Map(moves.filter((move) => !take.includes(move)).map((move) => [slotOf(move), move]));
  for (const move of put) bySlot.set(slotOf(move), move);
  return [...bySlot.values()].sort(); // M1
}

/** What a set of moves has that its parent's lacks, and what it lacks. A knob set to another value is put; the value it had before is displaced. */
export function difference(moves: readonly string[], parent: readonly string[]): { readonly put: string[]; readonly taken: string[]; readonly displaced: string[] } {
  const [here, before] = [new Set(moves), new Set(parent)];
  const gone = parent.filter((move) => !here.has(move));
  const slots = new Set(gone.length === 0 ? [] : moves.map(slotOf));
  return { put: moves.filter((move) => !before.has(move)), taken: gone.filter((move) => !slots.has(slotOf(move))), displaced: gone.filter((move) => slots.has(slotOf(move))) };
}

/** One text for a set of moves. */
export const keyOf = (moves: readonly string[]): string => [...moves].sort().join('\n');
