import { ChatOpenAICompletions, convertMessagesToCompletionsMessageParams } from '@langchain/openai';
import type { BaseMessage } from '@langchain/core/messages';
import type { ToolOffer } from '../../domain/conversation.ts';
import type { Dialect } from './dialect.ts';
import { offersOf } from './messages.ts';
import type { ModelOptions } from './options.ts';

/** What is asked beside the messages. */
export interface Form { readonly tools: readonly ToolOffer[]; readonly format: Readonly<Record<string, unknown>>; readonly mostTokens: number }

/**
 * LangChain's client of chat completions, and never of another API, whatever it thinks of a model's name. Its pieces are taken as they come: its own streams
 * join each piece to all before it, so that a long answer costs the square of its length, and ask the environment whether to tell somebody else.
 */
class Client extends ChatOpenAICompletions {
  /** The pieces of one streamed answer. */
  pieces(messages: BaseMessage[], { tools, format, mostTokens }: Form, { cap, reportsUsage }: Dialect, signal: AbortSignal): Promise<AsyncIterable<unknown>> {
    const { max_tokens: _, max_completion_tokens: __, stream_options: ___, ...params } = this.invocationParams(tools.length === 0 ? {} : { tools: offersOf(tools) }, { streaming: true });
    const spoken = convertMessagesToCompletionsMessageParams({ messages }); // not told the model's name: by some it would say `developer` for `system`, which only OpenAI knows, and OpenAI takes both
    const request = { ...params, ...format, [cap]: mostTokens, messages: spoken, stream: true as const, ...(reportsUsage ? { stream_options: { include_usage: true } } : {}) };
    return this.completionWithRetry(request, { signal });
  }
}

/** Opens the client for one question; what it would read of the environment it is told. */
export function openClient({ model, baseURL, key, temperature, reasoning }: ModelOptions, dialect: Dialect, fetch: typeof globalThis.fetch): { pieces(messages: BaseMessage[], form: Form, signal: AbortSignal): Promise<AsyncIterable<unknown>> } {
  const client = new Client({
    model, apiKey: key ?? 'none', maxRetries: 0, timeout: 3_600_000, // the transport has its own patience
    ...(temperature === null ? {} : { temperature }), ...(reasoning === null ? {} : { modelKwargs: { reasoning_effort: reasoning } }),
    configuration: { baseURL, fetch, organization: null, project: null, logLevel: 'off' },
  });
  return { pieces: (messages, form, signal) => client.pieces(messages, form, dialect, signal) };
}
