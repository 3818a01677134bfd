import type { PythonSymbol, Statement } from '../../domain/symbol.ts';
import { judge, type Judged } from './judge.ts';
import type { Told } from './partition.ts';

// The statements of a function that several roles meet in, one by one.
//
//   S1. Only a statement that can be named is told apart, by the most telling of its anchors; two that bear one name go together.
//   S2. The default of an option belongs to the role of its name. One that the command sets is nobody's: turning it would change nothing.

/** A statement, or several of one anchor, and whose it is. */
export interface Block { readonly anchor: string; readonly is: Judged }

/** The statements of a function, or of a module's top, that speak clearly for an owner. */
export function blocksOf(holder: PythonSymbol, lines: readonly string[], { metric, options }: Told): readonly Block[] {
  const body = holder.kind === 'module' ? holder.statements : holder.statements.flatMap(({ suites }) => suites.flat());
  const blocks = new Map<string, Block[]>();
  for (const statement of body.flatMap(simple)) {
    const anchor = statement.anchors[0]?.[0]; // S1
    if (anchor === undefined || isImport(statement, lines) || /[[\]]|^\.|^$/.test(anchor.replace(/\(".*"\)$/, ''))) continue;
    blocks.set(anchor, [...(blocks.get(anchor) ?? []), { anchor, is: judged(statement, anchor, lines, metric, options) }]);
  }
  return [...blocks.values()].flatMap(([first, ...others]) => (first && first.is.weight >= 3 && others.every(({ is }) => is.owner === first.is.owner) ? [first] : []));
}

const simple = (statement: Statement): readonly Statement[] => (statement.suites.length === 0 ? [statement] : statement.suites.flat().flatMap(simple));

const isImport = ({ line }: Statement, lines: readonly string[]): boolean => /^\s*(?:import|from)\s/.test(lines[line - 1] ?? '');

function judged({ line, endLine }: Statement, anchor: string, lines: readonly string[], metric: string, options: readonly string[]): Judged {
  const code = lines.slice(line - 1, endLine).join('\n');
  const option = /^call:.*\b(?:add_argument|option)\("/.test(anchor) ? /["'](--[\w-]+)["']/.exec(code)?.[1] : undefined;
  if (option !== undefined && options.includes(option)) return { owner: 'protected', weight: 3, reason: `the command sets ${option}`, measures: false, trains: false }; // S2
  const called = option?.slice(2).replaceAll('-', '_') ?? (/^call:/.test(anchor) ? '' : /([^.]+)$/.exec(anchor)?.[1] ?? anchor);
  return judge({ name: called, code: option === undefined ? code : '', isValue: true }, metric);
}
