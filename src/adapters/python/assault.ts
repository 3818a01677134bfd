import type { Assault } from '../../domain/symbol.ts';
import { importsOf, isTypeAlias, opensScope, writesOf } from './binding.ts';
import { innerScope, moduleScope, refer, type Reference, type Scope } from './scope.ts';
import { literal, nameOf, spell } from './spelling.ts';
import { members, part, type Branch } from './tree.ts';

// Which statements reach into a symbol from outside its definition.
//
//   A1. A write through a name that means a symbol or a module counts: assigned, deleted, looped over, `setattr`, a namespace written to, or a method that changes in place.
//   A2. A write through a value that only running the program could tell (an instance, an element of a list) does not.
//   A3. A top-level name bound again inside a compound statement, or in a function that declares it global, counts.

const CHANGE_IN_PLACE = new Set(['append', 'extend', 'insert', 'remove', 'pop', 'popitem', 'clear', 'update', 'setdefault', 'sort', 'reverse', 'add', 'discard',
  '__setitem__', '__delitem__', '__ior__', '__iadd__']);
const DEFINES = new Set(['expression_statement', 'assignment', 'augmented_assignment', 'decorated_definition', 'function_definition', 'class_definition', 'type_alias_statement']);
const SET_MEMBER = new Set(['setattr', 'delattr', 'object.__setattr__', 'object.__delattr__', 'type.__setattr__', 'type.__delattr__', 'monkeypatch.setattr']);

/** Finds the assaults of a module, in source order. */
export function assaultsOf(root: Branch, source: string, symbols: ReadonlySet<string>): readonly Assault[] {
  const found: Assault[] = [];
  const report = (at: Branch, module: string | null, target: string): void => { found.push({ module, target, line: at.line, text: spell(at, source) }); };
  const reach = (at: Branch, to: Reference | null): void => {
    if (to) report(at, to.module, to.path === '' ? '*' : to.path); // A1; null is A2
  };

  const walk = (at: Branch, scope: Scope, isTopStatement: boolean): void => {
    const compound = scope.outer === null && !(isTopStatement && DEFINES.has(at.type));
    const rebind = (name: string): void => {
      if (scope.globals.has(name) || (compound && symbols.has(name))) report(at, null, name); // A3
    };
    for (const target of writesOf(at)) {
      if (target.type === 'identifier') rebind(nameOf(target, source));
      else reach(at, refer(target, source, scope));
    }
    importsOf(at, source)?.forEach(({ name }) => { if (scope.globals.has(name) || (scope.outer === null && symbols.has(name))) report(at, null, name); });
    if (at.type === 'type_alias_statement' && !isTypeAlias(at)) report(at, null, `?${/\.\w+\s*$/.exec(spell(part(at, 'left') ?? at, source).replaceAll(' ', ''))?.[0] ?? ''}`);
    if (at.type === 'call') callOf(at, scope);
    const inner = opensScope(at) ? innerScope(at, source, scope) : scope;
    for (const child of at.children) {
      const stays = isTopStatement && (at.type === 'expression_statement' || at.type === 'decorated_definition' || at.type === 'assignment');
      walk(child, outside(at, child) ? scope : inner, stays && (child.type === 'assignment' || child.type === 'augmented_assignment' || at.type === 'decorated_definition'));
    }
  };

  const callOf = (at: Branch, scope: Scope): void => {
    const callee = part(at, 'function');
    const [first, second] = members(part(at, 'arguments') ?? at);
    if (!callee) return;
    const spelled = source.slice(callee.start, callee.end).replaceAll(/\s/g, '');
    if (SET_MEMBER.has(spelled)) {
      const holder = first ? refer(first, source, scope) : null;
      const name = second ? literal(second, source) : null;
      if (holder) report(at, holder.module, name === null ? holder.path || '*' : holder.path === '' ? name : `${holder.path}.${name}`);
      return;
    }
    const object = callee.type === 'attribute' ? part(callee, 'object') : null;
    const method = callee.type === 'attribute' ? nameOf(part(callee, 'attribute') ?? callee, source) : '';
    const holder = object ? refer(object, source, scope) : null;
    if (!holder) return;
    if (method === '__setattr__' || method === '__delattr__') {
      const name = first ? literal(first, source) : null;
      report(at, holder.module, name === null ? holder.path || '*' : holder.path === '' ? name : `${holder.path}.${name}`);
    } else if (CHANGE_IN_PLACE.has(method) && (holder.path !== '' || holder.isNamespace)) reach(at, holder);
  };

  const top = moduleScope(root, source);
  for (const statement of members(root)) walk(statement, top, true);
  return found;
}

/** Decorators, defaults, annotations and the first loop's sequence are read in the scope around. */
const outside = (scope: Branch, child: Branch): boolean =>
  (scope.type === 'function_definition' || scope.type === 'class_definition') && child.field !== 'body';
