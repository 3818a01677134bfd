import type { Claim } from './surface.ts';
import { covers } from './symbol.ts';

/** The owner nobody is. */
export const PROTECTED = 'protected';

/** The claim that decides who owns a symbol, or a whole file for a null symbol: the longest that reaches it, else its file's; null when there is none. */
export function claimOn(claims: readonly Claim[], file: string, symbol: string | null): Claim | null {
  let best: Claim | null = null;
  for (const claim of claims) {
    if (claim.file !== file || (claim.symbol !== null && (symbol === null || !covers(claim.symbol, symbol)))) continue;
    if (best === null || (claim.symbol?.length ?? -1) > (best.symbol?.length ?? -1)) best = claim;
  }
  return best;
}

/** Who owns a symbol, or a whole file for a null symbol; null when nobody does. */
export const ownerOf = (claims: readonly Claim[], file: string, symbol: string | null): string | null => claimOn(claims, file, symbol)?.owner ?? null;
