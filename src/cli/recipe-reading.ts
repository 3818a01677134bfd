import { divide } from '../domain/block.ts';
import type { Reading } from '../domain/compose.ts';
import type { Recipe } from '../domain/recipe.ts';
import type { Claim } from '../domain/surface.ts';
import { plainTable, type Tables } from '../domain/symbol.ts';
import type { Syntax } from '../ports.ts';

/** How a surface's recipes are read by whoever composes them: what has an owner of its own is a symbol of its own. */
export function readingOf(claims: readonly Claim[], syntax: Pick<Syntax, 'symbols'>): Reading {
  const plain = (recipe: Recipe): Tables => Object.fromEntries(Object.entries(recipe).map(([file, text]) => [file, file.endsWith('.py') ? syntax.symbols(text) : plainTable(text)]));
  return { plain, divided: (recipe) => Object.fromEntries(Object.entries(plain(recipe)).map(([file, table]) => [file, divide(table, claims, file)])) };
}
