import type { Recipe } from '../../../../domain/recipe.ts';
import { MODULE, type PythonSymbol } from '../../../../domain/symbol.ts';
import type { Syntax } from '../../../../ports.ts';
import { literalsOf, type Literal } from './literal.ts';

// Knobs: named literals in a specialist's partition. At a module's top (`WIDTH = 96`, `learning_rate = 1e-3`), in a class body (`width: int = 96`),
// or the default of a command-line option (`add_argument('--width', default=96)`) or of a variable among a function's parameters, which belongs to
// whoever owns the code around it.
//
//   K1. Only the literal is rewritten; the rest of its line, comments included, stays byte for byte.
//   K2. A knob's range is not known. A value that cannot run is a failed trial, and failed trials are read.
//   K3. A seed is no knob: its best value is luck.

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

/** The knobs among the symbols a specialist owns, in a fixed order. */
export function knobsOf(recipe: Recipe, owns: (file: string, symbol: string) => boolean, syntax: Syntax): Knob[] {
  return Object.keys(recipe).filter((path) => path.endsWith('.py')).sort().flatMap((file) => {
    const source = recipe[file] ?? '';
    const { symbols } = syntax.symbols(source);
    return literalsOf(source).flatMap((literal) => {
      const isMine = !SEED.test(literal.name) && isOwned(literal, symbols, (symbol) => owns(file, symbol)); // K3
      const knob = isMine ? readKnob(file, literal) : null;
      return knob === null ? [] : [knob];
    });
  });
}

const SEED = /(?:^|[._"$-])seeds?(?:"\])?$/i;

/** Whether a literal stands in what is owned; false when the parser takes what looks like one for something else. */
function isOwned({ name, line }: Literal, symbols: readonly PythonSymbol[], owns: (symbol: string) => boolean): boolean {
  const covers = (at: { readonly line: number; readonly endLine: number }): boolean => at.line <= line && line <= at.endLine;
  const around = symbols.filter((symbol) => symbol.name !== MODULE && covers(symbol));
  if (!isSettable(name)) return around.some((symbol) => symbol.name === name && (symbol.kind === 'assignment' || symbol.kind === 'attribute' || symbol.kind === 'key') && owns(name));
  const holder = around.reduce<PythonSymbol | null>((least, symbol) => (least === null || symbol.endLine - symbol.line <= least.endLine - least.line ? symbol : least), null) ?? symbols.find((symbol) => symbol.name === MODULE);
  if (holder === undefined) return false;
  const whole = owns(holder.name);
  // A statement may be a block with an owner of its own: then one of its anchors is answered otherwise than what holds it.
  const inside = (statements: PythonSymbol['statements']): PythonSymbol['statements'] => statements.filter(covers).flatMap((statement) => [statement, ...inside(statement.suites.flat())]);
  const anchors = inside(holder.statements).at(-1)?.anchors.flat() ?? [];
  return anchors.some((anchor) => owns(`${holder.name}@${anchor}`) !== whole) ? !whole : whole;
}

/** Whether a name is that of a command-line option or of a variable: no symbol bears it, so no claim on a symbol says whose it is. */
const isSettable = (name: string): boolean => /^(?:--|\$)/.test(name);

/** Whether a knob is its author's: by its symbol in any recipe; by the code around it, and so by the knobs found in a recipe that has it, where it is no symbol's. */
export const isOwnKnob = ({ file, name }: Pick<Knob, 'file' | 'name'>, found: readonly Knob[], owns: (file: string, symbol: string) => boolean): boolean =>
  (isSettable(name) ? found.some((knob) => knob.file === file && knob.name === name) : owns(file, name));

function readKnob(file: string, { name, text: value, choices, isFloat }: Literal): Knob | null {
  if (value === 'True' || value === 'False') return { file, name, type: 'bool', value, choices: ['True', 'False'] };
  if (choices.length > 0) return { file, name, type: 'choice', value, choices };
  if (/^["']/.test(value)) return null; // a bare string has no alternatives we could know
  return { file, name, type: isFloat ? 'float' : 'int', value, choices: [] };
}

/** `1e-3` and `0.001` are one value, and a recipe that spells it otherwise is no other recipe. */
const isEqual = (a: string, b: string): boolean => a === b || (/^[-+.\d]/.test(a) && /^[-+.\d]/.test(b) && /[.eE]/.test(a) === /[.eE]/.test(b) && numberOf(a) === numberOf(b));

/** Sets a knob; null when the recipe has no such knob. */
export function setKnob(recipe: Recipe, file: string, name: string, value: string): Recipe | null {
  const source = recipe[file] ?? '';
  const found = literalsOf(source).find((literal) => literal.name === name);
  if (found === undefined) return null;
  return isEqual(found.text, value) ? recipe : { ...recipe, [file]: `${source.slice(0, found.start)}${value}${source.slice(found.end)}` }; // K1
}

/** The literal a knob is set to; null when the recipe has no such knob. */
export const knobValue = (recipe: Recipe, file: string, name: string): string | null =>
  literalsOf(recipe[file] ?? '').find((literal) => literal.name === name)?.text ?? null;

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

/** A float literal with four digits that count. */
export function writeFloat(value: number): string {
  const text = String(Number(value.toPrecision(4)));
  return /[.e]/.test(text) ? text : `${text}.0`;
}
