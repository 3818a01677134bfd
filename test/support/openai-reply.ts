import type { Asked } from './openai-request.ts';

// What a scripted model answers, and how it looks on the wire of the OpenAI chat-completions protocol.

/** What one call used; by default it is counted from the bytes, with whatever an earlier request had too as cached. */
export interface SaidUsage { readonly input: number; readonly cached?: number; readonly output: number }

/** A tool the scripted model wants used. A string is sent as it is, malformed or not; anything else as its JSON. */
export interface SaidCall { readonly tool: string; readonly input: unknown; readonly id?: string }

/** A whole answer. It takes the form that was asked for: tool calls, or one action as JSON text. */
export interface Said {
  readonly kind: 'said';
  readonly text?: string;
  readonly calls?: readonly SaidCall[];
  /** `absent`: the endpoint does not report it. */
  readonly usage?: SaidUsage | 'absent';
  readonly finish?: 'stop' | 'tool_calls' | 'length' | 'content_filter';
}

/** What comes back for one request. */
export type Reply =
  | Said
  /** A status and a body, such as 429 with its `retry-after`. */
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  /** Nothing more comes, and the connection stays open: before the headers, or after so many pieces of an answer. */
  | { readonly kind: 'hang'; readonly after: 'nothing' | number; readonly answer?: Said }
  /** The connection breaks after so many pieces. */
  | { readonly kind: 'cut'; readonly after: number; readonly answer?: Said }
  /** Bytes under a content type, whatever they are. */
  | { readonly kind: 'raw'; readonly body: string | Uint8Array; readonly status?: number; readonly contentType?: string }
  /** One character of an answer every so many milliseconds, for ever. */
  | { readonly kind: 'trickle'; readonly everyMs: number }
  /** Text without an end, up to so many bytes. */
  | { readonly kind: 'flood'; readonly bytes: number };

/** An answer in words. */
export const say = (text: string, more: Omit<Said, 'kind' | 'text'> = {}): Said => ({ kind: 'said', text, ...more });

/** An answer that wants one tool used. */
export const use = (tool: string, input: unknown, more: Omit<Said, 'kind' | 'calls'> = {}): Said => ({ kind: 'said', calls: [{ tool, input }], ...more });

/** 429, with the header that says how long to wait or without. */
export const tooMany = (retryAfter: string | null = null): Reply => failing(429, 'Rate limit reached', retryAfter === null ? {} : { 'retry-after': retryAfter });

/** A status with an error body in OpenAI's form. */
export const failing = (status: number, message: string, headers: Readonly<Record<string, string>> = {}): Reply =>
  ({ kind: 'status', status, headers, body: { error: { message, type: 'scripted', param: null, code: null } } });

/** The pieces of a streamed answer, as server-sent events without the last `[DONE]`. */
export function piecesOf(said: Said, asked: Asked): readonly string[] {
  const base = { id: `chatcmpl-${asked.attempt}`, object: 'chat.completion.chunk', created: 1, model: asked.body.model };
  const chunk = (delta: unknown, finish: string | null = null): string => event({ ...base, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] });
  const { text, calls } = formed(said, asked);
  const usage = usageOf(said, asked);
  return [
    chunk({ role: 'assistant', content: '' }),
    ...slices(text).map((content) => chunk({ content })),
    ...calls.flatMap(({ id, tool, input }, index) => [
      chunk({ tool_calls: [{ index, id, type: 'function', function: { name: tool, arguments: '' } }] }),
      ...slices(input).map((part) => chunk({ tool_calls: [{ index, function: { arguments: part } }] })),
    ]),
    chunk({}, finishOf(said, calls)),
    ...(usage === null || !asked.body.stream_options?.include_usage ? [] : [event({ ...base, choices: [], usage })]),
  ];
}

/** An answer that is not streamed. */
export function wholeOf(said: Said, asked: Asked): unknown {
  const { text, calls } = formed(said, asked);
  const usage = usageOf(said, asked);
  const toolCalls = calls.map(({ id, tool, input }) => ({ id, type: 'function', function: { name: tool, arguments: input } }));
  return {
    id: `chatcmpl-${asked.attempt}`, object: 'chat.completion', created: 1, model: asked.body.model,
    choices: [{ index: 0, message: { role: 'assistant', content: text, ...(calls.length === 0 ? {} : { tool_calls: toolCalls }) }, finish_reason: finishOf(said, calls) }],
    ...(usage === null ? {} : { usage }),
  };
}

interface Formed { readonly text: string; readonly calls: readonly { readonly id: string; readonly tool: string; readonly input: string }[] }

/** Without tools on offer an action is text: {tool, input} as JSON. */
function formed({ text = '', calls = [] }: Said, asked: Asked): Formed {
  const written = calls.map(({ tool, input, id }, i) => ({ id: id ?? `call_${asked.attempt}_${i}`, tool, input: typeof input === 'string' ? input : JSON.stringify(input) }));
  if (asked.body.tools !== undefined || written.length === 0) return { text, calls: written };
  return { text: written.map(({ tool, input }) => `{"tool":${JSON.stringify(tool)},"input":${input}}`).join('\n'), calls: [] };
}

const finishOf = ({ finish }: Said, calls: readonly unknown[]): string => finish ?? (calls.length === 0 ? 'stop' : 'tool_calls');

function usageOf({ usage, text = '', calls = [] }: Said, asked: Asked): unknown {
  if (usage === 'absent') return null;
  const { input, cached = 0, output } = usage ?? { input: Math.ceil(asked.raw.length / 4), cached: Math.floor(asked.known / 4), output: Math.ceil((text.length + JSON.stringify(calls).length) / 4) };
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output, prompt_tokens_details: { cached_tokens: cached } };
}

const event = (body: unknown): string => `data: ${JSON.stringify(body)}\n\n`;
const slices = (text: string): readonly string[] => text.match(/[\s\S]{1,17}/g) ?? [];
