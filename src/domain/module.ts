import { covers, type Tables } from './symbol.ts';

/** A symbol of one file of the recipe; null is the file as a whole. */
export interface Place { readonly file: string; readonly symbol: string | null }

/** Files a module name may stand for, seen from a file. */
function candidates(from: string, module: string): readonly string[] {
  const dots = /^\.*/.exec(module)?.[0].length ?? 0;
  const rest = module.slice(dots).split('.').filter((segment) => segment !== '');
  const folder = dots === 0 ? [] : from.split('/').slice(0, -dots);
  const path = [...folder, ...rest].join('/');
  return path === '' ? ['__init__.py'] : [`${path}.py`, `${path}/__init__.py`];
}

/** Where a name that one file uses is defined, through re-exports; null when that is not in the recipe. */
export function locate(tables: Tables, from: string, module: string | null, path: string, depth = 8): Place | null {
  if (module === null) return chase(tables, from, path, depth);
  const segments = /^[^[*?]*/.exec(path)?.[0].split('.').filter((segment) => segment !== '') ?? [];
  for (let taken = segments.length; taken >= 0; taken--) { // `from . import layers` names a module, not a symbol
    const prefix = segments.slice(0, taken).join('.');
    const name = prefix === '' ? module : module.endsWith('.') ? `${module}${prefix}` : `${module}.${prefix}`;
    const file = candidates(from, name).find((candidate) => tables[candidate] !== undefined);
    if (file !== undefined) return chase(tables, file, path.slice(prefix.length).replace(/^\./, ''), depth);
  }
  return null;
}

function chase(tables: Tables, file: string, path: string, depth: number): Place | null {
  const table = tables[file];
  if (!table) return null;
  if (path === '' || path === '*') return { file, symbol: null };
  if (depth === 0 || table.symbols.some(({ name }) => covers(name, path))) return { file, symbol: path };
  const head = /^[^.[]*/.exec(path)?.[0] ?? path;
  const binds = table.pieces.flatMap((piece) => piece.binds).filter(({ module }) => module !== null);
  const bound = binds.findLast(({ name }) => name === head);
  if (bound) return locate(tables, file, bound.module, join(bound.path, path.slice(head.length)), depth - 1);
  for (const { name, module } of binds) {
    const place = name === '*' ? locate(tables, file, module, path, depth - 1) : null;
    if (place && place.symbol !== null && tables[place.file]?.symbols.some((symbol) => covers(symbol.name, place.symbol ?? ''))) return place;
  }
  return { file, symbol: path };
}

const join = (path: string, rest: string): string => (path === '' ? rest.replace(/^\./, '') : `${path}${rest}`);
