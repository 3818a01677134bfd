import type { Recipe } from '../../../../domain/recipe.ts';
import type { Syntax } from '../../../../ports.ts';

// Knobs: module-level `UPPER_CASE = literal` in a specialist's partition.
//
//   K1. Only the literal is rewritten; the rest of its line, comments included, stays byte for byte.
//   K2. A knob's range is not known. A value that cannot run is a failed trial, and failed trials are read.

/** A number, a flag or a choice that a recipe gives a name. */
export interface Knob {
  readonly file: string;
  readonly name: string;
  readonly type: 'int' | 'float' | 'bool' | 'choice';
  /** The literal as written. */
  readonly value: string;
  /** Every literal it may be set to; empty for numbers. */
  readonly choices: readonly string[];
}

const NUMBER = String.raw`[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d+)?`;
const LITERAL = String.raw`True|False|${NUMBER}|"[^"\\\n]*"|'[^'\\\n]*'`;

const assignment = (name: string): RegExp => new RegExp(String.raw`^(${name}\s*(?::([^=#]*))?=\s*)(${LITERAL})(?=\s*(?:[;#]|$))`);

/** The knobs among the symbols a specialist owns, in a fixed order. */
export function knobsOf(recipe: Recipe, owns: (file: string, symbol: string) => boolean, syntax: Syntax): Knob[] {
  const knobs: Knob[] = [];
  for (const file of Object.keys(recipe).filter((path) => path.endsWith('.py')).sort()) {
    const source = recipe[file] ?? '';
    const lines = source.split('\n');
    for (const symbol of syntax.symbols(source).symbols) {
      if (symbol.kind !== 'assignment' || !/^[A-Z][A-Z0-9_]*$/.test(symbol.name) || !owns(file, symbol.name)) continue;
      const found = assignment(symbol.name).exec(lines[symbol.line - 1] ?? '');
      const knob = found === null ? null : readKnob(file, symbol.name, found[2] ?? '', found[3] ?? '');
      if (knob !== null && !knobs.some((other) => other.file === file && other.name === knob.name)) knobs.push(knob);
    }
  }
  return knobs;
}

function readKnob(file: string, name: string, annotation: string, value: string): Knob | null {
  if (value === 'True' || value === 'False') return { file, name, type: 'bool', value, choices: ['True', 'False'] };
  const choices = /Literal\[(.*)\]/.exec(annotation)?.[1];
  if (choices !== undefined) return { file, name, type: 'choice', value, choices: choices.split(',').map((choice) => choice.trim()).filter((choice) => choice !== '') };
  if (/^["']/.test(value)) return null; // a bare string has no alternatives we could know
  return { file, name, type: /[.eE]/.test(value) ? 'float' : 'int', value, choices: [] };
}

/** `1e-3` and `0.001` are one value, and a recipe that spells it otherwise is no other recipe. */
const isEqual = (a: string, b: string): boolean => a === b || (/^[-+.\d]/.test(a) && /^[-+.\d]/.test(b) && /[.eE]/.test(a) === /[.eE]/.test(b) && numberOf(a) === numberOf(b));

/** Sets a knob; null when the recipe has no such knob. */
export function setKnob(recipe: Recipe, file: string, name: string, value: string): Recipe | null {
  const lines = (recipe[file] ?? '').split('\n');
  const at = lines.findIndex((line) => assignment(name).test(line));
  if (at < 0) return null;
  lines[at] = (lines[at] ?? '').replace(assignment(name), (text, before: string, _annotation: string, old: string) => (isEqual(old, value) ? text : `${before}${value}`)); // K1
  return { ...recipe, [file]: lines.join('\n') };
}

/** The literal a knob is set to; null when the recipe has no such knob. */
export const knobValue = (recipe: Recipe, file: string, name: string): string | null =>
  (recipe[file] ?? '').split('\n').map((line) => assignment(name).exec(line)?.[3]).find((value) => value !== undefined) ?? null;

/** The value of a numeric literal. */
export const numberOf = (literal: string): number => Number(literal.replaceAll('_', ''));

/** A numeric knob's value one step up or down a ladder of the given factor; null where the ladder has no other rung. */
export function step(knob: Knob, from: string, direction: 'up' | 'down', factor: number): string | null {
  const value = numberOf(from);
  if (!Number.isFinite(value)) return null;
  const ratio = direction === 'up' ? factor : 1 / factor;
  if (knob.type === 'int') {
    if (value === 0) return direction === 'up' ? '1' : null;
    const next = Math.round(value * ratio);
    return next === value || next === 0 ? null : String(next);
  }
  if (value === 0) return direction === 'up' ? '0.1' : null;
  // Shares near one (a momentum, a decay) live on the ladder of what is missing to one: 0.95 goes to 0.975, not to 1.9.
  const next = value > 0.5 && value < 1 ? 1 - (1 - value) / ratio : value * ratio;
  return writeFloat(next);
}

/** The rung between two values, geometrically; null when there is none. */
export function between(knob: Knob, a: string, b: string): string | null {
  const [x, y] = [numberOf(a), numberOf(b)];
  const middle = x > 0 && y > 0 ? Math.sqrt(x * y) : (x + y) / 2;
  if (knob.type === 'int') return [x, y].includes(Math.round(middle)) ? null : String(Math.round(middle));
  return knob.type === 'float' ? writeFloat(middle) : null;
}

function writeFloat(value: number): string {
  const text = String(Number(value.toPrecision(4)));
  return /[.e]/.test(text) ? text : `${text}.0`;
}
