// Regular expressions of evaluator.yaml. The warden reads them, which is Python and searches bytes; here they are only looked over.
//
//   R1. What is accepted compiles there: it is of the part of the language that every engine has. Anything else is refused by what it is.

/** One character of a class, by itself or as an end of a range. */
const ONE = String.raw`(?:\\[tnrfv!-/:-@[-${'`'}{-~]|[ !-,./0-Z^-~])`;
const CLASS = new RegExp(String.raw`^\[(?:\^|(?!\^))(?:\\[dDwWsS]|${ONE}(?:-${ONE})?)+-?\]`);
const TOKENS = [/^\\(?:[dDwWsSbtnrfv]|[!-/:-@[-`{-~])/, /^\{\d{1,3}(?:,\d{0,3})?\}/, /^[A-Za-z0-9 !"#%&',/:;<=>@_`~-]/, /^[.^$|*+?]/, CLASS];

/** Why a pattern cannot be used, as the end of a sentence; null when it can. */
export function unfit(pattern: string): string | null {
  try { new RegExp(pattern); } catch { return 'is no regular expression'; }
  const open: number[] = []; // groups by their number; 0 for one that catches nothing
  const closed = new Set<number>();
  let groups = 0;
  for (let rest = pattern; rest !== '';) {
    const group = /^(?:\((?:\?[:=!])?(?!\?)|\))/.exec(rest)?.[0];
    const back = /^\\([1-9])(?!\d)/.exec(rest);
    const token = group ?? back?.[0] ?? TOKENS.map((kind) => kind.exec(rest)?.[0]).find((found) => found !== undefined);
    if (token === undefined) return `has ${rest.slice(0, rest.startsWith('(') || rest.startsWith('[') ? 8 : 2)}, which the warden, being Python, may not read`;
    if (group === ')') closed.add(open.pop() ?? 0);
    else if (group === '(') open.push(groups += 1);
    else if (group !== undefined) open.push(0);
    if (back !== null && !closed.has(Number(back[1]))) return `refers by ${back[0]} to a group that is not closed before it`;
    rest = rest.slice(token.length);
  }
  return null;
}
