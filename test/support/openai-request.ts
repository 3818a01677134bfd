import { z } from 'zod';

const Part = z.looseObject({ type: z.string(), text: z.string().optional() });
const Message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.union([z.string(), z.array(Part)]).nullish(),
  tool_calls: z.array(z.looseObject({ id: z.string(), type: z.literal('function'), function: z.looseObject({ name: z.string(), arguments: z.string() }) })).optional(),
  tool_call_id: z.string().optional(),
});

/** The body of a chat-completions request, as far as a scripted model reads it; a real endpoint refuses what this refuses. */
export const ChatBody = z.looseObject({
  model: z.string(), messages: z.array(Message).min(1),
  stream: z.boolean().nullish(), stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  tools: z.array(z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: z.string(), description: z.string().optional(), parameters: z.looseObject({}) }) })).min(1).optional(),
  response_format: z.looseObject({ type: z.enum(['text', 'json_object', 'json_schema']), json_schema: z.looseObject({ name: z.string(), schema: z.looseObject({}) }).optional() }).optional(),
  temperature: z.number().nullish(), reasoning_effort: z.string().nullish(), max_tokens: z.number().nullish(), max_completion_tokens: z.number().nullish(),
});
export type ChatBody = z.infer<typeof ChatBody>;

/** One request as it came. */
export interface Asked {
  /** 1 for the first request of the server's life. */
  readonly attempt: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly raw: string;
  readonly body: ChatBody;
  /** How many of its first characters some earlier request began with too. */
  readonly known: number;
  /** The text of its system message. */
  readonly system: string;
  /** The text of its last message. */
  readonly last: string;
  /** Resolves when the asker hung up before it had the whole answer; never otherwise. */
  readonly hungUp: Promise<void>;
}

/** The text of a message, whatever form it has. */
export function textOf(message: ChatBody['messages'][number] | undefined): string {
  const content = message?.content ?? '';
  return typeof content === 'string' ? content : content.map(({ text }) => text ?? '').join('');
}
