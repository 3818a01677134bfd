import type { Binding } from '../../domain/symbol.ts';
import { bindingsIn, opensScope } from './binding.ts';
import { literal, nameOf } from './spelling.ts';
import { members, part, type Branch } from './tree.ts';

// What a name means where it stands, as far as the text alone can tell.
//
//   R1. A name bound in a function means that binding everywhere in it, unless it is declared global.
//   R2. A plain alias (`m = model`, `b = model.Block`) means what it was given.

/** What an expression refers to: a symbol of this file (module null) or of another, the namespace of one, or a class that cannot be told. */
export interface Reference {
  readonly module: string | null;
  readonly path: string;
  readonly isNamespace: boolean;
  readonly isUnknownClass: boolean;
}

export interface Scope {
  readonly names: ReadonlyMap<string, Reference | 'local'>;
  readonly globals: ReadonlySet<string>;
  readonly outer: Scope | null;
  readonly isClass: boolean;
}

const symbolOf = (module: string | null, path: string): Reference => ({ module, path, isNamespace: false, isUnknownClass: false });
const imported = ({ module, path }: Binding): Reference | 'local' => (module === null ? 'local' : symbolOf(module, path));

/** The module's own scope: imports, and every top-level name as a symbol of this file. */
export function moduleScope(root: Branch, source: string): Scope {
  const names = new Map<string, Reference | 'local'>();
  for (const binding of bindingsIn(root, source)) names.set(binding.name, binding.module === null ? symbolOf(null, binding.name) : symbolOf(binding.module, binding.path));
  const scope: Scope = { names, globals: new Set(), outer: null, isClass: false };
  addAliases(root, source, scope, names);
  return scope;
}

/** The scope a function, class, lambda or comprehension opens. */
export function innerScope(branch: Branch, source: string, outer: Scope): Scope {
  const names = new Map<string, Reference | 'local'>();
  const globals = new Set<string>();
  const body = part(branch, 'body') ?? branch;
  const declarations = (at: Branch): void => {
    if (at.type === 'global_statement') members(at).forEach((name) => globals.add(nameOf(name, source)));
    if (at === body || !opensScope(at)) at.children.forEach(declarations);
  };
  declarations(body);
  for (const name of parametersOf(branch)) names.set(nameOf(name, source), 'local');
  const bound = branch.type === 'class_definition' || branch.type === 'function_definition' ? bindingsIn(body, source) : branch.type === 'lambda' ? [] : clauseNames(branch, source);
  for (const binding of bound) if (!globals.has(binding.name)) names.set(binding.name, imported(binding));
  const scope: Scope = { names, globals, outer, isClass: branch.type === 'class_definition' };
  addAliases(body, source, scope, names);
  return scope;
}

function clauseNames(branch: Branch, source: string): readonly Binding[] {
  return members(branch).filter(({ type }) => type === 'for_in_clause').flatMap((clause) => bindingsIn(clause, source));
}

function parametersOf(branch: Branch): readonly Branch[] {
  const parameters = part(branch, 'parameters');
  const nameIn = (at: Branch): readonly Branch[] => {
    if (at.type === 'identifier') return [at];
    const named = part(at, 'name');
    if (named) return nameIn(named);
    return members(at).filter(({ field }) => field !== 'type' && field !== 'value').slice(0, 1).flatMap(nameIn);
  };
  return parameters ? members(parameters).flatMap(nameIn) : [];
}

/** R2. Later aliases may rest on earlier ones. */
function addAliases(body: Branch, source: string, scope: Scope, names: Map<string, Reference | 'local'>): void {
  const walk = (at: Branch): void => {
    const left = at.type === 'assignment' || at.type === 'named_expression' ? (part(at, 'left') ?? part(at, 'name')) : null;
    const right = part(at, 'right') ?? part(at, 'value');
    if (left?.type === 'identifier' && right) {
      const meant = refer(right, source, scope);
      const name = nameOf(left, source);
      if (meant && !scope.globals.has(name) && (scope.outer === null || names.get(name) === 'local')) names.set(name, meant);
    }
    if (at === body || !opensScope(at)) at.children.forEach(walk);
  };
  walk(body);
}

/** What a name refers to; null for a local, a built-in and anything unknown. */
function lookUp(name: string, scope: Scope): Reference | null {
  for (let at: Scope | null = scope; at; at = at.outer) {
    if (at.isClass && at !== scope) continue; // a class body is not seen from the functions in it
    if (at.globals.has(name)) return symbolOf(null, name); // R1
    const meant = at.names.get(name);
    if (meant !== undefined) return meant === 'local' ? null : meant;
  }
  return null;
}

const member = (of: Reference, name: string): Reference => ({ ...of, path: of.path === '' ? name : `${of.path}.${name}`, isNamespace: false });

/** What an expression refers to; null when the text does not tell. */
export function refer(at: Branch, source: string, scope: Scope): Reference | null {
  const [first] = members(at);
  switch (at.type) {
    case 'identifier': return lookUp(nameOf(at, source), scope);
    case 'parenthesized_expression': return first ? refer(first, source, scope) : null;
    case 'attribute': {
      const object = part(at, 'object');
      const name = nameOf(part(at, 'attribute') ?? at, source);
      const holder = object ? refer(object, source, scope) : null;
      if (name === '__class__') return holder ?? { ...symbolOf(null, '?'), isUnknownClass: true };
      if (name === '__dict__') return holder && { ...holder, isNamespace: true };
      return holder && member(holder, name);
    }
    case 'subscript': {
      const value = part(at, 'value');
      const index = part(at, 'subscript');
      const key = index ? literal(index, source) : null;
      if (value && spelled(value, source) === 'sys.modules') return key === null ? null : symbolOf(key, '');
      const holder = value ? refer(value, source, scope) : null;
      if (!holder) return null;
      if (holder.isNamespace) return member(holder, key ?? '*');
      return { ...holder, path: key === null ? holder.path : `${holder.path}["${key}"]` };
    }
    case 'call': return referCall(at, source, scope);
    default: return null;
  }
}

const spelled = (at: Branch, source: string): string => source.slice(at.start, at.end).replaceAll(/\s/g, '');

function referCall(at: Branch, source: string, scope: Scope): Reference | null {
  const callee = spelled(part(at, 'function') ?? at, source);
  const given = members(part(at, 'arguments') ?? at);
  const [first, second] = given;
  const key = first ? literal(first, source) : null;
  switch (callee) {
    case 'globals': return { ...symbolOf(null, ''), isNamespace: true };
    case 'vars': { const of = first ? refer(first, source, scope) : null; return of && { ...of, isNamespace: true }; }
    case 'type': return (first && refer(first, source, scope)) ?? { ...symbolOf(null, '?'), isUnknownClass: true };
    case 'getattr': { const of = first ? refer(first, source, scope) : null; const name = second ? literal(second, source) : null; return of && (name === null ? of : member(of, name)); }
    case '__import__': case 'import_module': case 'importlib.import_module': return key === null ? null : symbolOf(key, '');
    case 'sys.modules.get': return key === null ? null : symbolOf(key, '');
    default: return null;
  }
}
