import { AIMessage, HumanMessage, SystemMessage, ToolMessage, type BaseMessage } from '@langchain/core/messages';
import type { Question, ToolCall, ToolOffer, Turn } from '../../domain/conversation.ts';
import type { Method } from './options.ts';

// A question in the messages of an endpoint. Where tools are not offered as such, they are described in the system's text, and what they answered is told by the user.

/** The messages of a question. What does not change from call to call comes first. */
export const messagesOf = (question: Question, method: Method): BaseMessage[] =>
  [new SystemMessage(systemOf(question, method)), ...joined(method === 'tools' ? question.turns : question.turns.map(inWords)).map(asMessage)];

/** The system's text. */
const systemOf = ({ system, tools }: Pick<Question, 'system' | 'tools'>, method: Method): string => (method === 'tools' || tools.length === 0 ? system : `${system}\n\n${instruction(tools)}`);

/** Everything that stays the same from call to call, as it is sent: where tools are offered as such, they follow the system's text, one a line. */
export const toldIn = (question: Pick<Question, 'system' | 'tools'>, method: Method): string =>
  [systemOf(question, method), ...(method === 'tools' && question.tools.length > 0 ? [`Offered as tools:\n${offersOf(question.tools).map((tool) => JSON.stringify(tool)).join('\n')}`] : [])].join('\n---\n\n');

/** Tools as an endpoint is offered them. */
export const offersOf = (tools: readonly ToolOffer[]) => tools.map(({ name, says, input }) => ({ type: 'function' as const, function: { name, description: says, parameters: input } }));

/** How an answer is to be written where it is one JSON object. */
const instruction = (tools: readonly ToolOffer[]): string => [
  'Answer with exactly one JSON object and nothing else, no words around it: {"tool": the name of one tool, "input": its input}. The tools, each with the JSON schema of its input:',
  ...tools.map(({ name, says, input }) => `- ${name}: ${says}\n  ${JSON.stringify(input)}`),
].join('\n');

/** A turn for a model that knows no tool messages. */
function inWords(turn: Turn): Turn {
  switch (turn.role) {
    case 'user': return turn;
    case 'model': return { role: 'model', text: [turn.text, ...turn.calls.map(({ tool, input }) => `{"tool": ${JSON.stringify(tool)}, "input": ${input}}`)].filter((part) => part !== '').join('\n'), calls: [] };
    case 'tool': return { role: 'user', text: `What ${turn.tool} answered:\n${turn.text}` };
    default: return turn satisfies never;
  }
}

/** Neighbouring turns of the user as one: templates of open models insist that speakers alternate. */
function joined(turns: readonly Turn[]): Turn[] {
  const found: Turn[] = [];
  for (const turn of turns) {
    const last = found.at(-1);
    if (turn.role === 'user' && last?.role === 'user') found[found.length - 1] = { role: 'user', text: `${last.text}\n\n${turn.text}` };
    else found.push(turn);
  }
  return found;
}

function asMessage(turn: Turn): BaseMessage {
  switch (turn.role) {
    case 'user': return new HumanMessage(turn.text);
    case 'model': return new AIMessage({ content: turn.text === '' && turn.calls.length === 0 ? '(nothing)' : turn.text, // some endpoints refuse an answer without anything in a history
      tool_calls: turn.calls.map((call) => ({ type: 'tool_call', id: call.id, name: plainName(call.tool), args: argumentsOf(call) })) });
    case 'tool': return new ToolMessage({ content: turn.text, tool_call_id: turn.call });
    default: return turn satisfies never;
  }
}

/** Endpoints refuse a history with a tool whose name they would not have allowed. */
const plainName = (tool: string): string => tool.replaceAll(/[^\w-]/g, '_').slice(0, 64) || 'unnamed';

/** Endpoints parse a history again, and fail on what their own model wrote wrong: it goes back as a string in an object. */
function argumentsOf({ input }: ToolCall): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(input);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  } catch { /* told as it is */ }
  return { unreadable: input };
}
