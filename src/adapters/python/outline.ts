import { MODULE, type Piece, type PythonSymbol, type Statement } from '../../domain/symbol.ts';
import { bindingsIn, isTypeAlias, targetsOf } from './binding.ts';
import { literal, nameOf, spell } from './spelling.ts';
import { readStatement } from './statement.ts';
import { members, part, type Branch } from './tree.ts';

// Which symbols a source defines, and which text is whose.
//
//   O1. Every token of code is in the text of at least one symbol: what has no name is in `<module>`, or in the class whose body it stands in.
//   O2. A symbol's text leaves out the symbols inside it, so that a change of a method is no change of its class.
//   O3. A name defined twice is one symbol with both texts: a later definition changes it.
//   O4. What a compound statement (`if`, `try`, `for`) at the module's top binds is no symbol; the statement belongs to `<module>` whole.

interface Found extends PythonSymbol { readonly names: readonly string[] }

/** Reads symbols and pieces off a tree. */
export function outline(root: Branch, source: string): { readonly symbols: readonly PythonSymbol[]; readonly pieces: readonly Piece[] } {
  const found: Found[] = [];
  const pieces: Piece[] = [];

  const add = (statement: Branch, names: readonly string[], kind: PythonSymbol['kind'], text: string, statements: readonly Statement[] = []): void => {
    for (const name of names) found.push({ name, names, kind, line: statement.line, endLine: statement.endLine, text, statements });
  };
  const piece = (statement: Branch, names: readonly string[], text: string): void => {
    const nameless = names[0] === MODULE;
    pieces.push({ names, line: statement.line, text, isImport: statement.type.startsWith('import_'), binds: nameless ? bindingsIn(statement, source) : [], isPart: nameless });
  };

  const define = (statement: Branch, prefix: string): void => {
    const definition = statement.type === 'decorated_definition' ? (part(statement, 'definition') ?? statement) : statement;
    const name = `${prefix}${nameOf(part(definition, 'name') ?? definition, source)}`;
    if (definition.type === 'function_definition') {
      const text = spell(statement, source);
      add(statement, [name], prefix === '' ? 'function' : 'method', text, [readStatement(statement, source, false, true)]);
      piece(statement, [name], text);
      return;
    }
    const body = members(part(definition, 'body') ?? definition);
    const text = spell(statement, source, new Set(body.filter((inner) => isDefinition(inner) || namesOf(inner, source).length > 0))); // O2
    add(statement, [name], 'class', text);
    piece(statement, [name], text);
    for (const inner of body) statementOf(inner, `${name}.`);
  };

  const assign = (statement: Branch, names: readonly string[], kind: 'assignment' | 'attribute'): void => {
    const value = dictionaryOf(statement);
    const keys = value && names.length === 1 ? keysOf(value, names[0] ?? '', source) : [];
    const text = spell(statement, source, new Set(keys.map(({ pair }) => pair))); // O2
    add(statement, names, kind, text);
    piece(statement, names, text);
    for (const { pair, name, inner } of keys) addKey(pair, name, inner);
  };

  const addKey = (pair: Branch, name: string, inner: readonly Key[]): void => {
    const text = spell(pair, source, new Set(inner.map((key) => key.pair)));
    add(pair, [name], 'key', text);
    piece(pair, [name], text);
    for (const key of inner) addKey(key.pair, key.name, key.inner);
  };

  const statementOf = (statement: Branch, prefix: string): void => {
    const names = namesOf(statement, source);
    if (isDefinition(statement)) define(statement, prefix);
    else if (names.length > 0) assign(statement, names.map((name) => `${prefix}${name}`), prefix === '' ? 'assignment' : 'attribute');
    else if (prefix === '') { // O4
      const text = spell(statement, source);
      add(statement, [MODULE], 'module', text, [readStatement(statement, source)]);
      piece(statement, [MODULE], text);
    }
  };
  for (const statement of members(root)) statementOf(statement, '');
  return { symbols: merge(found), pieces };
}

const isDefinition = ({ type }: Branch): boolean => type === 'function_definition' || type === 'class_definition' || type === 'decorated_definition';

/** The names a simple statement defines. `Block.forward = f` defines none: it is a statement about another's symbol. */
function namesOf(statement: Branch, source: string): readonly string[] {
  if (statement.type === 'type_alias_statement') {
    const left = isTypeAlias(statement) ? part(statement, 'left') : null;
    return left ? identifiers(left).slice(0, 1).map((name) => nameOf(name, source)) : [];
  }
  const names: string[] = [];
  for (let at = assignmentOf(statement); at; at = chained(at)) {
    const left = part(at, 'left');
    if (left) names.push(...targetsOf(left).filter(({ type }) => type === 'identifier').map((name) => nameOf(name, source)));
  }
  return [...new Set(names)];
}

const identifiers = (branch: Branch): readonly Branch[] => (branch.type === 'identifier' ? [branch] : branch.children.flatMap(identifiers));

function assignmentOf(statement: Branch): Branch | null {
  const [only, ...others] = statement.type === 'expression_statement' ? members(statement) : [];
  return only && others.length === 0 && (only.type === 'assignment' || only.type === 'augmented_assignment') ? only : null;
}

const chained = (assignment: Branch): Branch | null => {
  const right = part(assignment, 'right');
  return right?.type === 'assignment' ? right : null;
};

function dictionaryOf(statement: Branch): Branch | null {
  const assignment = assignmentOf(statement);
  const value = assignment?.type === 'assignment' ? part(assignment, 'right') : null;
  return value?.type === 'dictionary' ? value : null;
}

interface Key { readonly pair: Branch; readonly name: string; readonly inner: readonly Key[] }

/** Keys that are plain strings; others stay in their holder's text, so that only its owner may write them. */
function keysOf(dictionary: Branch, holder: string, source: string): readonly Key[] {
  return members(dictionary).flatMap((pair) => {
    const key = pair.type === 'pair' ? part(pair, 'key') : null;
    const plain = key ? literal(key, source) : null;
    if (plain === null) return [];
    const name = `${holder}["${plain}"]`;
    const value = part(pair, 'value');
    return [{ pair, name, inner: value?.type === 'dictionary' ? keysOf(value, name, source) : [] }];
  });
}

function merge(found: readonly Found[]): readonly PythonSymbol[] {
  const merged = new Map<string, PythonSymbol & { readonly statements: Statement[] }>();
  for (const { name, kind, line, endLine, text, statements } of found) {
    const earlier = merged.get(name);
    if (earlier) for (const statement of statements) earlier.statements.push(statement); // a hostile file has a hundred thousand
    merged.set(name, earlier ? { ...earlier, endLine: Math.max(earlier.endLine, endLine), text: `${earlier.text}\n${text}` } : { name, kind, line, endLine, text, statements: [...statements] }); // O3
  }
  return [...merged.values()];
}
