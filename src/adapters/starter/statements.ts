import type { PythonSymbol, Statement } from '../../domain/symbol.ts';
import { judge, setBy, type Judged } from './judge.ts';
import type { Told } from './partition.ts';

// The statements of a function that several roles meet in, one by one.
//
//   S1. Only a statement that can be named is told apart, by the most telling of its anchors; two that bear one name go together.
//   S2. In a training loop a name says little (`data`, `hidden` are what is computed with): there only code counts.
//   S3. The default of an option belongs to the role of its name. One that the command sets is nobody's: turning it would change nothing.

/** A statement, or several of one anchor, and whose it is. */
export interface Block { readonly anchor: string; readonly is: Judged }

/** The statements of a function, or of a module's top, that speak clearly for an owner. */
export function blocksOf(holder: PythonSymbol, lines: readonly string[], told: Told, inTraining = false): readonly Block[] {
  const body = holder.kind === 'module' ? holder.statements : holder.statements.flatMap(({ suites }) => suites.flat());
  const blocks = new Map<string, Block[]>();
  for (const statement of body.flatMap(simple)) {
    const anchor = statement.anchors[0]?.[0]; // S1
    if (anchor === undefined || isImport(statement, lines) || /[[\]]|^\.|^$/.test(anchor.replace(/\(".*"\)$/, ''))) continue;
    blocks.set(anchor, [...(blocks.get(anchor) ?? []), { anchor, is: judged(statement, anchor, lines, told) }]);
  }
  return [...blocks.values()].flatMap(([first, ...others]) => (first && (inTraining ? first.is.shown : first.is.weight) >= 3 && others.every(({ is }) => is.owner === first.is.owner) ? [first] : []));
}

const simple = (statement: Statement): readonly Statement[] => (statement.suites.length === 0 ? [statement] : statement.suites.flat().flatMap(simple));

const isImport = ({ line }: Statement, lines: readonly string[]): boolean => /^\s*(?:import|from)\s/.test(lines[line - 1] ?? '');

function judged({ line, endLine }: Statement, anchor: string, lines: readonly string[], told: Told): Judged {
  const code = lines.slice(line - 1, endLine).join('\n');
  const option = /^call:.*\b(?:add_argument|option)\("/.test(anchor) ? /["'](--[\w-]+)["']/.exec(code)?.[1] : undefined;
  const called = option?.slice(2).replaceAll('-', '_') ?? (/^call:/.test(anchor) ? '' : /([^.]+)$/.exec(anchor)?.[1] ?? anchor);
  const is = (option === undefined ? null : setBy(told, option)) ?? judge({ name: called, code: option === undefined ? code : '', isValue: true }, told.metric); // S3
  return option === undefined ? is : { ...is, shown: is.weight };
}
