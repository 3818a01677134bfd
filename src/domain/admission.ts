import { claimsAfter, judgeOwnership } from './ownership.ts';
import { changedSymbols } from './partition.ts';
import type { PatchResult } from './patch.ts';
import type { Recipe } from './recipe.ts';
import type { Claim } from './surface.ts';
import type { TrialId } from './ids.ts';
import type { Tables } from './symbol.ts';
import type { Rejection } from './trial.ts';

// Whether a proposal may cost a slot. Every check is free and runs none of the recipe's code.
//
//   A1. The first rule broken is the one named: parent, patch, nothing changed, ownership, syntax, duplicate.
//   A2. A patch that changes only comments or layout changes nothing.
//   A3. A recipe that was tried is not tried again.

/** Everything the checks found out about a proposal. */
export interface AdmissionCase {
  readonly authors: readonly string[];
  /** Tables of the recipes a merged proposal names as its parts. */
  readonly parts: readonly Tables[];
  /** Who stands behind each of them. */
  readonly partAuthors?: readonly (readonly string[])[];
  readonly claims: readonly Claim[];
  readonly addable: readonly string[];
  readonly mode: 'enforced' | 'advisory';
  /** null when no trial of the run with a snapshot has that id. */
  readonly parent: { readonly recipe: Recipe; readonly tables: Tables } | null;
  /** null without a parent. */
  readonly patched: PatchResult | null;
  /** Tables of the patched recipe; empty when the patch was refused. */
  readonly tables: Tables;
  /** What Python's compiler refused, in the order of the files. */
  readonly errors: readonly { readonly file: string; readonly line: number; readonly message: string }[];
  /** The trial that holds the patched recipe already. */
  readonly twin: TrialId | null;
}

export type Admission =
  | { readonly kind: 'admitted'; readonly recipe: Recipe; /** Who owns what in that recipe: pass them on for its children. */ readonly claims: readonly Claim[] }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** Decides on a proposal by everything that can be known without running it. */
export function admit(proposal: AdmissionCase): Admission {
  const { authors, parts, partAuthors, claims, addable, mode, parent, patched, tables, errors, twin } = proposal;
  if (!parent || !patched) return reject('parent', null, 'its parent is no trial of this run with a snapshot: name one from the feedback.');
  if (patched.kind === 'refused') return reject(patched.rule, patched.file, patched.message);
  if (sameCode(parent.tables, tables)) return reject('empty', patched.touched[0] ?? null, 'the patch changes no code, only comments or layout at most: change something that runs.'); // A2
  const sides = { authors, parts, ...(partAuthors ? { partAuthors } : {}), claims, before: parent, after: { recipe: patched.recipe, tables } };
  const broken = judgeOwnership({ ...sides, addable, mode });
  if (broken) return { kind: 'rejected', rejection: broken };
  const [error] = errors;
  if (error) return reject('syntax', error.file, `${error.file}:${error.line}: ${error.message}`);
  if (twin !== null) return reject('duplicate', null, `${twin} is the same recipe: read its result, or change something more.`); // A3
  return { kind: 'admitted', recipe: patched.recipe, claims: claimsAfter(sides) };
}

function sameCode(before: Tables, after: Tables): boolean {
  const files = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return files.every((file) => {
    const old = before[file];
    const now = after[file];
    if (old === now) return true;
    return old !== undefined && now !== undefined && old.unreadable === null && now.unreadable === null && changedSymbols(old, now).length === 0
      && old.pieces.length === now.pieces.length && old.pieces.every((piece, i) => piece.text === now.pieces[i]?.text);
  });
}

const reject = (rule: Rejection['rule'], file: string | null, message: string): Admission =>
  ({ kind: 'rejected', rejection: { rule, file: file?.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 300) ?? null, symbol: null, owner: null, message: message.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 900) } });
