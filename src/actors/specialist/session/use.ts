import { counted, oneLine } from '../../../domain/figures.ts';
import { faultOfHypothesis } from '../../../domain/hypothesis.ts';
import { BASELINE } from '../../../domain/ids.ts';
import { neutralise, quote } from '../../../domain/quote.ts';
import type { Recipe } from '../../../domain/recipe.ts';
import type { Rejection } from '../../../domain/trial.ts';
import type { Patches } from '../../../ports.ts';
import type { Draft, LineageRow } from '../../../protocols/lineage.ts';
import type { ToolInput, ToolUse } from '../../../protocols/tools.ts';
import { SessionGone } from './bursar.ts';
import { TOOL_BYTES } from './caps.ts';
import { applyEdits } from './edit.ts';
import { readFile, rowsOf } from './reading.ts';
import type { Fault, Session, Submission } from './state.ts';
import { changesOf, patchOf, sizeOf, workOf } from './work.ts';

// What each tool does. Reading is of what the specialist may know; whatever reaches others goes through the broker.
//
//   U1. A tool used twice with one call, by a process and by its successor, does what it does once.
//   U2. A submission is checked first: a reply that could only be refused again is asked for again, and costs no row.
//   U3. No patch goes out that a message might not hold: whatever makes one too long is refused at once, with the remedy.

/** What the tools of one session reach. */
export interface Desk {
  readonly specialist: string;
  readonly lineage: boolean;
  readonly patches: Patches;
  /** What the specialist may know of trials, as its last reading has it. */
  readonly rows: readonly LineageRow[];
  /** A draft for two owners, to either of them; null for any other. */
  draft(joint: string): Promise<Draft | null>;
  recipeOf(snapshot: string): Promise<Recipe | null>;
  check(asked: { readonly specialist: string; readonly with: string | null; readonly parent: string; readonly patch: string }): Promise<{ readonly kind: 'passes' } | { readonly kind: 'rejected'; readonly rejection: Rejection }>;
  hint(asked: { readonly clientId: string; readonly to: string; readonly file: string; readonly symbol: string | null; readonly hint: string }): Promise<string>;
  offer(asked: { readonly clientId: string; readonly to: string; readonly parent: string; readonly hypothesis: string; readonly expectedDelta: number; readonly patch: string }): Promise<string>;
  decline(asked: { readonly joint: string; readonly reason: string }): Promise<string>;
}

/** What a use led to: a text for the model, and what it changes in the session. */
export type Used = { readonly text: string; readonly change?: Partial<Session>; readonly fault?: Fault };

/** In characters. A proposal is one message, with the feedback its author read: so much fits beside it in any alphabet, and one idea takes far less. */
const LONGEST_PATCH = 65_536;

const tooLong = (patch: string, more = ''): Used => // U3
  ({ text: `The patch against the parent would have ${counted(patch.length)} characters, and at most ${counted(LONGEST_PATCH)} are taken.${more} Make a smaller change: of the lines that matter, and no long tables or texts; rebase begins again from a clean copy.`, fault: 'edit' });

/** Uses one tool. */
export async function use({ tool, input }: ToolUse, session: Session, desk: Desk, call: { readonly id: string; readonly at: string }): Promise<Used> {
  const base = async (): Promise<Recipe> => recipe(session.snapshot, session.parent, desk);
  switch (tool) {
    case 'read': return { text: await read(input, session, desk) };
    case 'diff': return { text: await showDiff(input.trial, input.against ?? null, desk) };
    case 'rebase': {
      const found = rowsOf(desk).find(({ trial }) => trial === input.trial);
      if (!found?.snapshot || !(found.status === 'keep' || found.status === 'baseline')) return { text: `${neutralise(input.trial)} is no kept trial that you may start from${desk.lineage ? '' : ': you are told of the best alone'}.` };
      return { text: `The recipe in work is a clean copy of ${found.trial}, without your edits. Its files: ${Object.keys(await recipe(found.snapshot, found.trial, desk)).sort().join(', ')}.`, change: { parent: found.trial, snapshot: found.snapshot, changes: [], joint: null } };
    }
    case 'edit': {
      const parent = await base();
      const edited = applyEdits(workOf(parent, session.changes), input.edits);
      if (edited.kind === 'refused') return { text: edited.message, fault: 'edit' };
      const changes = changesOf(parent, edited.recipe);
      const patch = patchOf(parent, changes, desk.patches);
      if (patch.length > LONGEST_PATCH) return tooLong(patch, ' None of the blocks was applied.'); // U3
      return { text: changes.length === 0 ? `Applied, and the recipe is as ${session.parent} has it again.` : `Applied. Against ${session.parent}: ${sizeOf(patch)}.`, change: { changes } };
    }
    case 'check': {
      const patch = patchOf(await base(), session.changes, desk.patches);
      if (patch === '') return { text: `Nothing is changed yet: the recipe in work is ${session.parent}'s.` };
      if (patch.length > LONGEST_PATCH) return tooLong(patch);
      const checked = await desk.check({ ...standing(session.joint, desk), parent: session.parent, patch });
      return { text: checked.kind === 'passes' ? `Every free check passes. ${sizeOf(patch)}.` : `It would be rejected. ${sayRejection(checked.rejection, desk)}` };
    }
    case 'submit': {
      const patch = patchOf(await base(), session.changes, desk.patches);
      return submit({ ...input, parent: session.parent, patch, joint: session.joint }, tool, session, desk, call.id);
    }
    case 'give_up': return { text: 'The session ends.', change: { ending: { ending: 'gave_up', reason: clip(input.reason, 400) || 'it gave no reason' } } };
    case 'hint': {
      const hint = clip(input.hint, 600);
      if (hint.length < 8) return { text: 'A hint says in a sentence what to try, and why.', fault: 'input' };
      return { text: neutralise(await desk.hint({ clientId: call.at, to: input.to, file: clip(input.file, 400), symbol: input.symbol ? clip(input.symbol, 400) : null, hint })) }; // U1
    }
    case 'draft_joint': {
      const patch = patchOf(await base(), session.changes, desk.patches);
      const wrong = faultOfHypothesis(input.hypothesis) ?? faultOfHypothesis(clip(input.hypothesis, 600));
      if (wrong !== null) return { text: wrong, fault: 'hypothesis' };
      if (patch === '') return { text: `Nothing is changed yet: the recipe in work is ${session.parent}'s.`, fault: 'empty' };
      if (patch.length > LONGEST_PATCH) return tooLong(patch);
      return { text: neutralise(await desk.offer({ clientId: call.at, to: input.to, parent: session.parent, hypothesis: clip(input.hypothesis, 600), expectedDelta: input.expectedDelta, patch })) }; // U1
    }
    case 'accept_joint': return accept(input, session, desk, call.id);
    case 'decline_joint': {
      const reason = clip(input.reason, 400);
      return reason.length < 8 ? { text: 'Say in a sentence why not.', fault: 'input' } : { text: neutralise(await desk.decline({ joint: input.draft, reason })) };
    }
    default: return tool satisfies never;
  }
}

async function accept({ draft: id, hypothesis, expectedDelta, edits }: Extract<ToolUse, { tool: 'accept_joint' }>['input'], session: Session, desk: Desk, call: string): Promise<Used> {
  const draft = await desk.draft(id);
  const parent = draft && desk.rows.find(({ trial }) => trial === draft.parent);
  if (!draft || draft.to !== desk.specialist || draft.state !== 'open' || !parent?.snapshot) return { text: `${id} is no draft that waits for you${draft ? `: it is ${draft.to === desk.specialist ? draft.state : 'yours'}` : ''}.`, fault: 'input' };
  const base = await recipe(parent.snapshot, parent.trial, desk);
  const drafted = desk.patches.apply(base, draft.patch);
  if (drafted.kind === 'refused') return { text: `The draft does not fit ${parent.trial} any more: ${neutralise(drafted.message)}` };
  const amended = edits ? applyEdits(drafted.recipe, edits) : { kind: 'edited' as const, recipe: drafted.recipe };
  if (amended.kind === 'refused') return { text: amended.message, fault: 'edit' };
  const joint = { draft: draft.joint, with: draft.from };
  const used = await submit({ hypothesis: hypothesis ?? draft.hypothesis, expectedDelta: expectedDelta ?? draft.expectedDelta, parent: parent.trial, patch: desk.patches.diff(base, amended.recipe), joint }, 'accept_joint', session, desk, call);
  if (used.fault !== undefined) return { ...used, text: `${used.text}\nYour recipe in work is as it was, and ${id} still waits for you.` };
  return { ...used, change: { parent: parent.trial, snapshot: parent.snapshot, changes: changesOf(base, amended.recipe), joint, ...used.change } };
}

async function submit(asked: Pick<Submission, 'hypothesis' | 'expectedDelta' | 'parent' | 'patch' | 'joint'>, tool: string, session: Session, desk: Desk, call: string): Promise<Used> {
  const wrong = faultOfHypothesis(asked.hypothesis) ?? faultOfHypothesis(clip(asked.hypothesis, 600)); // as said, and as it would stand on the trial
  if (wrong !== null) return { text: wrong, fault: 'hypothesis' };
  if (asked.patch === '') return { text: `nothing is changed: the recipe in work is ${asked.parent}'s`, fault: 'empty' };
  if (asked.patch.length > LONGEST_PATCH) return tooLong(asked.patch);
  const checked = await desk.check({ ...standing(asked.joint, desk), parent: asked.parent, patch: asked.patch }); // U2
  if (checked.kind === 'rejected' && (checked.rejection.rule === 'duplicate' || checked.rejection.rule === 'empty')) return { text: sayRejection(checked.rejection, desk), fault: checked.rejection.rule };
  const pending: Submission = {
    ...asked, n: session.submissions + 1, call, tool, asOf: session.asOf, feedback: session.feedback, hypothesis: clip(asked.hypothesis, 600),
    tokens: session.tokens - session.billed.tokens, money: Math.max(0, session.money - session.billed.money),
  };
  return { text: '', change: { pending } };
}

/** Whose names stand on what is in work: of a draft the drafter's first. */
const standing = (joint: Session['joint'], { specialist }: Desk): { readonly specialist: string; readonly with: string | null } => (joint === null ? { specialist, with: null } : { specialist: joint.with, with: specialist });

/** Without lineage nobody is told which trial was the same. */
const sayRejection = ({ rule, message }: Rejection, { lineage }: Desk): string => (rule === 'duplicate' && !lineage ? 'this very recipe was tried already: change something more' : neutralise(message));

async function read(input: ToolInput<'read'>, session: Session, desk: Desk): Promise<string> {
  if (input.trial == null) return readFile(workOf(await recipe(session.snapshot, session.parent, desk), session.changes), input);
  const row = rowsOf(desk).find(({ trial }) => trial === input.trial);
  return row?.snapshot ? readFile(await recipe(row.snapshot, row.trial, desk), input, ` of ${row.trial}`) : noneOf(input.trial, desk);
}

const noneOf = (trial: string, desk: Desk): string => `There is no recipe of ${neutralise(trial)} for you to see: name a kept trial, one of yours, or ${BASELINE}${desk.lineage ? '' : '; you are told of the best alone'}.`;

async function showDiff(trial: string, against: string | null, desk: Desk): Promise<string> {
  const draft = /^j\d+$/.test(trial) && against === null ? await desk.draft(trial) : null;
  if (draft) return quote(`the draft ${draft.joint} on ${draft.parent}, by ${draft.from} for ${draft.to}, ${draft.state}`, `${draft.hypothesis}\n\n${draft.patch}`, TOOL_BYTES - 400);
  const rows = rowsOf(desk);
  const one = rows.find((row) => row.trial === trial);
  const other = one && (against === null ? desk.rows.find((row) => row.trial === one.parent) : rows.find((row) => row.trial === against));
  if (!one?.snapshot || !other?.snapshot) return noneOf(!one?.snapshot ? trial : against ?? 'its parent', desk);
  const patch = desk.patches.diff(await recipe(other.snapshot, other.trial, desk), await recipe(one.snapshot, one.trial, desk));
  return patch === '' ? `${one.trial} and ${other.trial} are the same recipe.` : quote(`${one.trial} against ${other.trial}`, patch, TOOL_BYTES - 400);
}

async function recipe(snapshot: string, trial: string, desk: Desk): Promise<Recipe> {
  const found = await desk.recipeOf(snapshot);
  if (found === null) throw new SessionGone(`the recipe of ${trial} cannot be read any more`);
  return found;
}

/** One line without markup, as long as its place allows. */
const clip = (text: string, most: number): string => oneLine(neutralise(text)).slice(0, most).trim();
