import { z } from 'zod';
import type { ToolOffer } from '../domain/conversation.ts';
import { finite, token } from './message.ts';

// What a model may ask of its session. It is another process: what it writes is parsed here, by closed schemas, before anything is done.

const file = z.string().min(1).max(400).describe("a file of the recipe, by its path in the recipe's folder");
const words = (most: number, says: string) => z.string().max(most).describe(says);
const edits = z.array(z.strictObject({
  file,
  search: z.string().max(200_000).describe('exact text that is there now, whole lines with their indentation; must occur once unless all is true; empty only to create a file'),
  replace: z.string().max(200_000).describe('what stands there afterwards'),
  all: z.boolean().nullish().describe('replace every occurrence'),
})).min(1).max(64);
const hypothesis = words(4_000, 'one sentence: what changes, and why that should pay');
const expectedDelta = finite.describe('the signed change of the score you expect against the parent, in the metric’s own unit');

const TOOLS = {
  read: ['Shows a file of the recipe in work, or of a kept trial, of the baseline or of one of your own trials; all of it, or some of its lines.', z.strictObject({ file, trial: token.nullish().describe('a trial; the recipe in work when left out'), from: z.int().min(1).nullish().describe('first line, counted from 1'), to: z.int().min(1).nullish().describe('last line') })],
  diff: ['Shows what a kept trial, or one of yours, changed against its parent; how two trials differ; or the patch of a draft for two owners.', z.strictObject({ trial: token.describe('a trial, or a draft'), against: token.nullish().describe('another trial; its parent when left out') })],
  rebase: ['Starts again from a kept trial or the baseline: the recipe in work becomes a clean copy of it, and it is the parent of what you submit.', z.strictObject({ trial: token })],
  edit: ['Changes the recipe in work by search and replace, in one or several files: all of the blocks, or none if one does not fit.', z.strictObject({ edits })],
  check: ['Runs every free check on the recipe in work (ownership, syntax, duplicates) and costs nothing.', z.strictObject({})],
  submit: ['Has the recipe in work measured.', z.strictObject({ hypothesis, expectedDelta })],
  give_up: ['Ends the session without a trial.', z.strictObject({ reason: words(4_000, 'why nothing is worth a trial now') })],
  hint: ['Tells the owner of another partition something to try there.', z.strictObject({ to: token.describe('a specialist'), file, symbol: z.string().max(400).nullish(), hint: words(4_000, 'what to try, and why') })],
  draft_joint: ['Offers the recipe in work to another owner whose symbols it changes too: a trial of both, if they accept.', z.strictObject({ to: token.describe('the other owner'), hypothesis, expectedDelta })],
  accept_joint: ['Has a draft that another owner offered you measured, as a trial of both, with further edits if you give any.', z.strictObject({ draft: token, hypothesis: hypothesis.nullish(), expectedDelta: expectedDelta.nullish(), edits: edits.nullish() })],
  decline_joint: ['Declines a draft that another owner offered you.', z.strictObject({ draft: token, reason: words(4_000, 'why not') })],
} as const satisfies Record<string, readonly [string, z.ZodObject]>;

export type ToolName = keyof typeof TOOLS;
export type ToolInput<N extends ToolName> = z.infer<(typeof TOOLS)[N][1]>;
/** A call that was parsed. */
export type ToolUse = { readonly [N in ToolName]: { readonly tool: N; readonly input: ToolInput<N> } }[ToolName];
export type EditBlock = ToolInput<'edit'>['edits'][number];

export const TOOL_NAMES = Object.keys(TOOLS) as readonly ToolName[];

/** Input longer than this is refused unread. */
const LONGEST_INPUT = 1_000_000;

export type ReadCall = { readonly kind: 'use'; readonly use: ToolUse } | { readonly kind: 'malformed'; readonly fault: 'tool' | 'json' | 'input'; readonly message: string };

/** Reads what a model wrote for a tool. Never throws. */
export function readCall(tool: string, input: string, offered: readonly ToolName[]): ReadCall {
  const name = offered.find((each) => each === tool);
  if (name === undefined) return { kind: 'malformed', fault: 'tool', message: `there is no tool ${JSON.stringify(tool.slice(0, 60))} here: use one of ${offered.join(', ')}` };
  const json = jsonOf(input);
  if (json === undefined) return { kind: 'malformed', fault: 'json', message: `the input of ${name} is not JSON${input.length > LONGEST_INPUT ? `, or longer than ${LONGEST_INPUT} characters` : ''}: send one JSON object` };
  const read = TOOLS[name][1].safeParse(json);
  if (read.success) return { kind: 'use', use: { tool: name, input: read.data } as ToolUse };
  const faults = read.error.issues.slice(0, 4).map(({ path, message }) => `${path.length === 0 ? 'the input' : path.map(String).join('.').slice(0, 80)}: ${message.slice(0, 160)}`);
  return { kind: 'malformed', fault: 'input', message: `the input of ${name} is not what it should be: ${faults.join('; ')}` };
}

function jsonOf(input: string): unknown {
  if (input.trim() === '') return {}; // some endpoints send nothing where a tool takes nothing
  if (input.length > LONGEST_INPUT) return undefined;
  try { return JSON.parse(input) as unknown; } catch { return undefined; }
}

/** What a model is told of some tools. */
export const offer = (names: readonly ToolName[]): readonly ToolOffer[] => names.map((name) => ({ name, says: TOOLS[name][0], input: plain(z.toJSONSchema(TOOLS[name][1], { io: 'input' })) as ToolOffer['input'] }));

/** Words of JSON schema that every endpoint's grammar takes; the others are checked here all the same. */
const SPOKEN = new Set(['type', 'properties', 'required', 'additionalProperties', 'items', 'description', 'anyOf']);

function plain(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(plain);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(Object.entries(schema).flatMap(([key, value]) => (!SPOKEN.has(key) ? [] : [[key, key === 'properties' ? Object.fromEntries(Object.entries(value as Record<string, unknown>).map(([name, each]) => [name, plain(each)])) : plain(value)]])));
}
