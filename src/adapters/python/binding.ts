import type { Binding } from '../../domain/symbol.ts';
import { nameOf, spell } from './spelling.ts';
import { members, part, parts, type Branch } from './tree.ts';

const COMPREHENSIONS = new Set(['list_comprehension', 'set_comprehension', 'dictionary_comprehension', 'generator_expression']);

/** Whether a branch opens a scope of its own. */
export const opensScope = (branch: Branch): boolean =>
  branch.type === 'function_definition' || branch.type === 'class_definition' || branch.type === 'lambda' || COMPREHENSIONS.has(branch.type);

/** The places a target writes to: names, attributes and subscripts, out of any nesting of tuples and lists. */
export function targetsOf(target: Branch): readonly Branch[] {
  switch (target.type) {
    case 'identifier': case 'attribute': case 'subscript': return [target];
    case 'pattern_list': case 'tuple_pattern': case 'list_pattern': case 'expression_list': case 'tuple': case 'list':
    case 'list_splat_pattern': case 'list_splat': case 'parenthesized_expression': case 'as_pattern_target': case 'type':
      return members(target).flatMap(targetsOf);
    default: return [];
  }
}

/** Whether it is `type X = int`; the grammar takes `type(x).y = 1`, an assignment, for one too. */
export const isTypeAlias = (branch: Branch): boolean => {
  const alias = part(branch, 'left')?.children[0];
  return branch.type === 'type_alias_statement' && (alias?.type === 'identifier' || alias?.type === 'generic_type');
};

/** What one node itself writes to, whatever is inside it. */
export function writesOf(branch: Branch): readonly Branch[] {
  const target = (field: string): readonly Branch[] => parts(branch, field).flatMap(targetsOf);
  switch (branch.type) {
    case 'assignment': case 'augmented_assignment': case 'for_statement': case 'for_in_clause': return target('left');
    case 'type_alias_statement': return isTypeAlias(branch) ? target('left') : [];
    case 'named_expression': return target('name');
    case 'delete_statement': return members(branch).flatMap(targetsOf);
    case 'as_pattern': return [...target('alias'), ...members(branch).filter(({ type }) => type === 'identifier').slice(1)];
    case 'function_definition': case 'class_definition': return target('name');
    default: return [];
  }
}

/** The names an import statement binds; null for any other node. */
export function importsOf(branch: Branch, source: string): readonly Binding[] | null {
  const dotted = (at: Branch): string => spell(at, source).replaceAll(' ', '');
  if (branch.type === 'import_statement') {
    return parts(branch, 'name').map((name) => {
      const alias = part(name, 'alias');
      if (alias) return { name: nameOf(alias, source), module: dotted(part(name, 'name') ?? name), path: '' };
      const root = dotted(name).split('.')[0] ?? '';
      return { name: root, module: root, path: '' };
    });
  }
  if (branch.type !== 'import_from_statement' && branch.type !== 'future_import_statement') return null;
  const from = part(branch, 'module_name');
  const module = from ? dotted(from) : '__future__';
  if (branch.children.some(({ type }) => type === 'wildcard_import')) return [{ name: '*', module, path: '' }];
  return parts(branch, 'name').map((name) => {
    const path = dotted(part(name, 'name') ?? name);
    return { name: nameOf(part(name, 'alias') ?? name, source), module, path };
  });
}

/** Every name bound in the scope a branch belongs to: nested functions, classes, lambdas and comprehensions keep theirs. */
export function bindingsIn(branch: Branch, source: string): readonly Binding[] {
  const found: Binding[] = [];
  const bind = (at: Branch): void => { if (at.type === 'identifier') found.push({ name: nameOf(at, source), module: null, path: '' }); };
  const walk = (at: Branch, comprehended: boolean): void => {
    const imports = importsOf(at, source);
    if (imports) { found.push(...imports); return; }
    if (!comprehended || at.type === 'named_expression') writesOf(at).forEach(bind);
    if (at.type === 'case_pattern' || at.type === 'splat_pattern') members(at).filter(({ type }) => type === 'identifier' || type === 'dotted_name').forEach((name) => captured(name));
    const comprehension = COMPREHENSIONS.has(at.type); // a walrus inside one binds outside of it
    if (at !== branch && opensScope(at) && !comprehension) return;
    for (const child of at.children) walk(child, comprehended || (comprehension && at !== branch));
  };
  const captured = (name: Branch): void => { if (!/[.]/.test(nameOf(name, source))) found.push({ name: nameOf(name, source), module: null, path: '' }); };
  walk(branch, false);
  return found;
}
