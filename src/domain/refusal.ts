import { ownerOf, PROTECTED } from './claim.ts';
import type { Claim } from './surface.ts';
import { MODULE } from './symbol.ts';
import type { Rejection } from './trial.ts';

/** The rejection of a patch that touches what is not its authors'. */
export function refusal(patch: { readonly claims: readonly Claim[]; readonly authors: readonly string[] }, file: string, symbol: string | null, why: string): Rejection {
  const owner = ownerOf(patch.claims, file, symbol);
  const what = symbol === null || symbol === MODULE ? `${symbol === null ? '' : 'the unnamed code of '}${file}` : `\`${symbol}\` in ${file}`;
  const mine = patch.claims.filter((claim) => patch.authors.includes(claim.owner)).map((claim) => (claim.symbol === null ? claim.file : `${claim.file}#${claim.symbol}`));
  const keep = mine.length === 0 ? 'leave it as it is' : `keep to ${mine.slice(0, 6).join(', ')}`;
  return owner === PROTECTED || owner === null
    ? { rule: owner === null ? 'ownership' : 'protected', file, symbol: cut(symbol), owner: null, message: tidy(`${what} is ${owner === null ? "nobody's" : 'protected'}: ${why}; ${keep}.`) }
    : { rule: 'ownership', file, symbol: cut(symbol), owner, message: tidy(`${what} is ${owner}'s: ${why}; hand the idea to ${owner}, or ${keep}.`) };
}

/** What a record may hold: one line, without control characters, of bounded length. */
export const tidy = (message: string): string => message.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 900);
const cut = (symbol: string | null): string | null => (symbol === null ? null : tidy(symbol).slice(0, 300));
