import type { Statement } from '../../domain/symbol.ts';
import { bindingsIn, opensScope, targetsOf, writesOf } from './binding.ts';
import { literal, nameOf, spell, spellAround } from './spelling.ts';
import { members, part, parts, type Branch } from './tree.ts';

// The statements of a function or a module's top, as a partition may tell them apart.
//
//   T1. A class and a simple statement are whole; a compound statement and a function hold the statements of their suites.
//   T2. A statement is called by what it assigns, what it calls, or the condition it stands under; never by its place or its wording.
//   T3. What a function inside binds or returns stays in it, unless it says that a name is of outside.

/** Reads a list of statements. */
const statementsOf = (list: readonly Branch[], source: string, isNested = false): readonly Statement[] => list.map((statement) => readStatement(statement, source, isNested));

/** Reads one statement with those inside it: `isNested` for one in a function inside another, `isTop` for a function that is in none. */
export function readStatement(statement: Branch, source: string, isNested = false, isTop = false): Statement {
  const definition = statement.type === 'decorated_definition' ? part(statement, 'definition') : statement;
  const suites = definition?.type === 'class_definition' ? [] : suitesOf(statement); // T1
  const holes = new Set(suites);
  const isFunction = definition?.type === 'function_definition';
  return {
    anchors: anchorsOf(statement, source), line: statement.line, endLine: statement.endLine,
    parts: spellAround(statement, source, holes), suites: suites.map((suite) => statementsOf(members(suite), source, isNested || (isFunction && !isTop))),
    binds: [...(isNested ? [] : bindingsIn(without(statement, holes), source)), ...declared(statement, source, holes)], // T3
    leaves: !isNested && leaves(statement, holes, false),
  };
}

/** The blocks directly under a compound statement, whatever clauses they stand in. */
function suitesOf(branch: Branch): readonly Branch[] {
  return branch.children.flatMap((child) => {
    if (child.type === 'block') return members(child).some(({ type }) => type === 'case_clause') ? suitesOf(child) : [child];
    return child.type.endsWith('_clause') || child.type === 'function_definition' ? suitesOf(child) : [];
  });
}

const without = (branch: Branch, holes: ReadonlySet<Branch>): Branch =>
  (holes.size === 0 ? branch : { ...branch, children: branch.children.filter((child) => !holes.has(child)).map((child) => (child.children.some((inner) => holes.has(inner)) || child.type.endsWith('_clause') || child.type === 'block' ? without(child, holes) : child)) });

/** Names that functions inside declare as those around them. */
function declared(branch: Branch, source: string, holes: ReadonlySet<Branch>): Statement['binds'] {
  if (holes.has(branch)) return [];
  if (branch.type === 'nonlocal_statement' || branch.type === 'global_statement') return members(branch).map((name) => ({ name: nameOf(name, source), module: null, path: '' }));
  return branch.children.flatMap((child) => declared(child, source, holes));
}

function leaves(branch: Branch, holes: ReadonlySet<Branch>, isInLoop: boolean): boolean {
  if (holes.has(branch)) return false;
  if (branch.type === 'return_statement' || branch.type === 'yield') return true;
  if (branch.type === 'break_statement' || branch.type === 'continue_statement') return !isInLoop;
  const loops = isInLoop || branch.type === 'for_statement' || branch.type === 'while_statement';
  return branch.children.some((child) => !opensScope(child) && leaves(child, holes, loops));
}

function anchorsOf(statement: Branch, source: string): readonly (readonly string[])[] {
  const only = statement.type === 'expression_statement' ? members(statement)[0] : undefined;
  const at = statement.type === 'decorated_definition' ? part(statement, 'definition') ?? statement : only ?? statement;
  const targets: string[] = [];
  const calls: Branch[] = [];
  for (let value: Branch | null = at; value; value = part(value, 'right')) { // `a = b = f()`
    if (value.type === 'assignment' || value.type === 'augmented_assignment') targets.push(...writesOf(value).map((target) => pathOf(target, source)));
    else if (value.type === 'call') calls.push(value);
    if (value.type !== 'assignment' && value.type !== 'augmented_assignment') break;
  }
  if (at.type === 'function_definition' || at.type === 'class_definition') targets.push(...writesOf(at).map((target) => pathOf(target, source)));
  if (at.type === 'for_statement') targets.push(...writesOf(at).map((target) => `for:${pathOf(target, source)}`));
  if (at.type === 'delete_statement') targets.push(...members(at).flatMap(targetsOf).map((target) => pathOf(target, source)));
  if (at.type.startsWith('import_')) targets.push(...bindingsIn(at, source).map(({ name }) => name));
  if (at.type === 'return_statement' || at.type === 'await') calls.push(...members(at).filter(({ type }) => type === 'call'));
  for (const item of members(at).filter(({ type }) => type === 'with_clause').flatMap(members)) {
    const value = part(item, 'value');
    const given = value?.type === 'as_pattern' ? members(value)[0] : value;
    if (value?.type === 'as_pattern') targets.push(...parts(value, 'alias').flatMap(targetsOf).map((target) => pathOf(target, source)));
    if (given?.type === 'call') calls.push(given);
  }
  const called = calls.map((call) => ({ callee: pathOf(part(call, 'function') ?? call, source), first: firstArgument(call, source) }));
  const condition = at.type === 'if_statement' || at.type === 'while_statement' ? part(at, 'condition') : null;
  const groups = [
    targets,
    called.flatMap(({ callee, first }) => (first === null ? [] : [`call:${callee}(${JSON.stringify(first)})`])),
    called.map(({ callee }) => `call:${callee}`),
    condition ? [`${at.type === 'if_statement' ? 'if' : 'while'}:${spell(condition, source)}`] : [],
  ];
  return groups.map((group) => [...new Set(group)]).filter((group) => group.length > 0);
}

function firstArgument(call: Branch, source: string): string | null {
  const [first] = members(part(call, 'arguments') ?? call);
  return first ? literal(first, source) : null;
}

/** A name with its attributes and plain keys; what stands before them, where that is more than a name, is left out. */
function pathOf(at: Branch, source: string): string {
  if (at.type === 'identifier') return nameOf(at, source);
  if (at.type === 'attribute') return `${pathOf(part(at, 'object') ?? at, source)}.${nameOf(part(at, 'attribute') ?? at, source)}`;
  if (at.type === 'subscript') {
    const value = part(at, 'value');
    const key = part(at, 'subscript');
    const plain = key ? literal(key, source) : null;
    return `${value ? pathOf(value, source) : ''}${plain === null ? '[]' : `["${plain}"]`}`;
  }
  return '';
}
