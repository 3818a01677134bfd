import { MODULE, type PythonSymbol, type SymbolTable } from '../../domain/symbol.ts';
import { judge, setBy, type Judged } from './judge.ts';
import { blocksOf } from './statements.ts';
import { ROLES, type Owner, type Role } from './signs.ts';

// A partition for files nobody divided: a proposal with its reasons, for a person to correct.
//
//   P1. Every symbol gets one owner. What nothing speaks for is protected; what leans to several roles goes to the one it leans to most, and says so.
//   P2. What measures is nobody's, even where it leans to a role: who can change it can change the score.
//   P3. A function that does something for several roles is divided by statement.
//   P4. A role that owns nothing is no specialist.

/** An owner for a symbol, or for all the rest of a file, with why. */
export interface ProposedClaim { readonly owner: Owner; readonly file: string; readonly symbol: string | null; readonly reason: string }

export interface ProposedPartition { readonly roster: readonly Role[]; readonly claims: readonly ProposedClaim[] }

/** Everything that is known of one file. */
export interface ReadFile { readonly file: string; readonly source: string; readonly table: SymbolTable }

/** What is known of the command: the metric it prints, and the options it is given, whose defaults therefore count for nothing. */
export interface Told { readonly metric: string; readonly options: readonly string[] }

/** Proposes who owns what. */
export function proposePartition(files: readonly ReadFile[], told: Told): ProposedPartition {
  const claims = files.flatMap((file) => claimsOf(file, told));
  return { roster: ROLES.filter((role) => claims.some(({ owner }) => owner === role)), claims }; // P4
}

const isInner = (symbol: string): boolean => symbol !== MODULE && /[.[@]/.test(symbol);

function claimsOf({ file, source, table }: ReadFile, told: Told): readonly ProposedClaim[] {
  const claim = (symbol: string | null, { owner, reason }: Pick<Judged, 'owner' | 'reason'>): ProposedClaim => ({ owner, file, symbol, reason });
  if (!file.endsWith('.py')) return [claim(null, { owner: 'protected', reason: 'no Python: nothing in it has a name' })];
  const lines = source.split('\n');
  const top = table.symbols.filter(({ name, kind }) => kind !== 'module' && !isInner(name));
  const judged = top.map((symbol) => ({ symbol, is: setBy(told, symbol.name) ?? judge({ name: symbol.name, code: codeOf(symbol, lines), isValue: symbol.kind === 'assignment' }, told.metric) }));
  const main = wholeOf(judged.map(({ is }) => is), table);
  const module = table.symbols.find(({ name }) => name === MODULE);
  const inModule = module && main.owner === 'protected' ? blocksOf(module, lines, told).filter(({ is }) => is.owner !== 'protected') : [];
  return [
    claim(null, main), ...inModule.map(({ anchor, is }) => claim(`${MODULE}@${anchor}`, is)),
    ...judged.flatMap(({ symbol, is }) => {
      const { whole, inner } = divided(symbol, is, table, lines, told);
      return [...(whole.owner === main.owner ? [] : [claim(symbol.name, whole)]), ...inner.map((one) => claim(one.name, one.is))];
    }),
  ];
}

/** Who owns the rest of a file: its one role, when it only defines things and all of them are that role's; else nobody. */
function wholeOf(judged: readonly Judged[], table: SymbolTable): Pick<Judged, 'owner' | 'reason'> {
  const [first] = judged;
  const runs = table.pieces.some(({ names, isImport, text }) => names[0] === MODULE && !isImport && !/^[rbu]*["']/i.test(text));
  if (!runs && first !== undefined && judged.every(({ owner }) => owner === first.owner)) return { owner: first.owner, reason: first.owner === 'protected' ? 'nothing in it speaks for a role' : `all it defines is ${first.owner}'s` };
  return { owner: 'protected', reason: runs ? 'what stands at its top runs the rest' : 'its parts are of several roles' };
}

interface Inner { readonly name: string; readonly is: Judged }

function divided(symbol: PythonSymbol, is: Judged, table: SymbolTable, lines: readonly string[], told: Told): { readonly whole: Judged; readonly inner: readonly Inner[] } {
  if (symbol.kind === 'function') return is.measures ? { whole: is, inner: [] } : byStatement(symbol, is, lines, told);
  // Members that speak clearly for somebody else: the optimizer made in a model's method, a learning rate among sizes.
  const members = table.symbols.filter(({ name, kind }) => (name.startsWith(`${symbol.name}.`) || name.startsWith(`${symbol.name}[`)) && (kind === 'attribute' || kind === 'key' || kind === 'method'));
  return {
    whole: is,
    inner: members.flatMap((member): readonly Inner[] => {
      const called = /([^.["\]]+)["\]]*$/.exec(member.name)?.[1] ?? member.name;
      const isValue = member.kind !== 'method';
      const other = judge({ name: called, code: codeOf(member, lines), isValue }, told.metric);
      const isClear = other.weight >= 3 && (isValue || (other.owner !== 'protected' && !/^__|^forward$/.test(called)));
      return isClear && other.owner !== is.owner ? [{ name: member.name, is: other }] : [];
    }),
  };
}

function byStatement(symbol: PythonSymbol, is: Judged, lines: readonly string[], told: Told): { readonly whole: Judged; readonly inner: readonly Inner[] } { // P3
  const blocks = blocksOf(symbol, lines, told, is.trains);
  const roles = new Set(blocks.flatMap(({ is: { owner } }) => (owner === 'protected' ? [] : [owner])));
  const isShared = roles.size >= (is.trains ? 3 : 2) || (roles.size > 0 && is.owner === 'protected');
  if (!isShared) return { whole: is, inner: [] };
  const whole: Judged = is.trains ? is : { ...is, owner: 'protected', reason: `several roles meet in it, so it is divided by statement${is.owner === 'protected' ? `; ${is.reason}` : ''}` };
  return { whole, inner: blocks.filter((block) => block.is.owner !== whole.owner).map(({ anchor, is: one }) => ({ name: `${symbol.name}@${anchor}`, is: one })) };
}

/** A symbol's own lines, without comments. */
export const codeOf = ({ line, endLine }: { readonly line: number; readonly endLine: number }, lines: readonly string[]): string => lines.slice(line - 1, endLine).map((text) => text.replace(/(^|\s)#.*$/, '')).join('\n');
