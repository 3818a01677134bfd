import type { ToolCall, ToolOffer } from '../../domain/conversation.ts';
import type { Method } from './options.ts';

/** What is asked of the form of an answer, beside the messages; nothing where the tools themselves are offered. */
export function formatOf(tools: readonly ToolOffer[], method: Method): Readonly<Record<string, unknown>> {
  if (method === 'tools' || tools.length === 0) return {};
  if (method === 'json') return { response_format: { type: 'json_object' } };
  // One object at the root, because hosted endpoints allow no union there; not strict, because they then allow no optional field either.
  const schema = {
    type: 'object', additionalProperties: false, required: ['tool', 'input'],
    properties: { tool: { type: 'string', enum: tools.map(({ name }) => name) }, input: { anyOf: tools.map(({ input: { $schema: _, ...input } }) => input) } },
  };
  return { response_format: { type: 'json_schema', json_schema: { name: 'action', strict: false, schema } } };
}

/** The action that a text is, where it is one: a JSON object {tool, input}, after what was thought aloud or within a fence. Its input stays text. */
export function actionIn(text: string, id: string): { readonly text: string; readonly calls: readonly ToolCall[] } {
  for (const from of [text.lastIndexOf(THOUGHT), text.indexOf(THOUGHT), -1]) { // a thought may quote the tag, and an action too
    const thought = from < 0 ? '' : text.slice(0, from + THOUGHT.length);
    const rest = text.slice(thought.length).trim();
    const body = /^```(?:json)?\s*\n([^]*?)\n?```$/.exec(rest)?.[1] ?? rest;
    try {
      const action: unknown = JSON.parse(body);
      if (typeof action === 'object' && action !== null && 'tool' in action && typeof action.tool === 'string' && 'input' in action) {
        return { text: thought, calls: [{ id, tool: action.tool, input: typeof action.input === 'string' ? action.input : JSON.stringify(action.input) }] };
      }
    } catch { /* whoever reads it will say so */ }
  }
  return { text, calls: [] };
}

const THOUGHT = '</think>';
