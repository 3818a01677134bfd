import { z } from 'zod';
import type { Answer, ToolCall, Usage } from '../../domain/conversation.ts';
import { ModelFailed } from '../../ports.ts';

// A streamed answer, put together. Pieces are the endpoint's: each is parsed, and what no answer needs is not looked at.

/** Calls in one answer: more is no answer. */
const MOST_CALLS = 64;
/** An endpoint that is told how many tokens it may use and sends many more pieces, or longer ones, does not hold to it. */
const PIECES_OF_A_TOKEN = 2;
const CHARACTERS_OF_A_TOKEN = 32;
const SPARE = 2000;
/** Few tokens are shorter than this, in text as in code, so that an estimate is rather too high. */
const BYTES_OF_A_TOKEN = 3;

const count = z.int().min(0).max(1e9);
const plain = z.union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).transform((parts) => parts.map(({ type, text = '' }) => (type === 'text' ? text : '')).join(''))]).catch('');
const Delta = z.object({
  content: plain.nullish(), reasoning_content: z.string().nullish().catch(null), reasoning: z.string().nullish().catch(null),
  tool_calls: z.array(z.object({
    index: z.int().min(0).optional().catch(undefined), id: z.string().max(200).nullish().catch(null),
    function: z.object({ name: z.string().max(200).nullish().catch(null), arguments: z.union([z.string(), z.record(z.string(), z.unknown()).transform((input) => JSON.stringify(input))]).nullish().catch(null) }).catch({}),
  })).nullish().catch(null),
});
const Piece = z.object({
  choices: z.array(z.object({ delta: Delta.nullish().catch(null), finish_reason: z.string().nullish().catch(null) })).nullish().catch(null),
  usage: z.object({ prompt_tokens: count, completion_tokens: count, prompt_tokens_details: z.object({ cached_tokens: count.nullish().catch(null) }).nullish().catch(null) }).nullish().catch(null),
});

export interface Collector {
  /** Takes the next piece, and says how many characters there are by now. */
  take(piece: unknown): number;
  /** Whether the endpoint said that this is all. */
  readonly isWhole: () => boolean;
  answer(more: { readonly requestBytes: number; readonly firstId: string }): Answer;
  /** What was used so far, as far as is known. */
  usage(requestBytes: number): Usage;
}

/** Puts one answer together. */
export function collect(name: string, mostTokens: number): Collector {
  const calls: { id: string | undefined; tool: string; input: string; index: number | undefined }[] = [];
  let text = '';
  let finish: string | null = null;
  let said: { input: number; cached: number; output: number } | null = null;
  let [characters, pieces] = [0, 0];
  const usage = (requestBytes: number): Usage => (said ? { ...said, isMeasured: true }
    : { input: Math.ceil(requestBytes / BYTES_OF_A_TOKEN), cached: 0, output: Math.ceil(characters / BYTES_OF_A_TOKEN), isMeasured: false });
  return {
    take(piece) {
      const { choices, usage: used } = Piece.parse(piece);
      const { delta, finish_reason: ended } = choices?.[0] ?? {};
      const content = delta?.content ?? '';
      text += content;
      for (const { index, id, function: { name: tool, arguments: input } } of delta?.tool_calls ?? []) {
        const open = calls.findLast((call) => call.index === index);
        const isNext = open === undefined || (!!id && open.id !== undefined && id !== open.id); // some give every call the same index
        const call = isNext ? { id: undefined, tool: '', input: '', index } : open;
        if (isNext) calls.push(call);
        call.id ??= id || undefined;
        call.tool += !tool || tool === call.tool ? '' : tool; // some repeat the name in every piece
        call.input += input ?? '';
        characters += input?.length ?? 0;
      }
      characters += content.length + (delta?.reasoning_content ?? delta?.reasoning ?? '').length;
      if (ended) finish = ended;
      if (used && used.prompt_tokens + used.completion_tokens > 0) said = { input: used.prompt_tokens, cached: Math.min(used.prompt_tokens, used.prompt_tokens_details?.cached_tokens ?? 0), output: used.completion_tokens };
      pieces += 1;
      const isEndless = pieces > mostTokens * PIECES_OF_A_TOKEN + SPARE || characters > mostTokens * CHARACTERS_OF_A_TOKEN + SPARE;
      if (isEndless || calls.length > MOST_CALLS) throw new ModelFailed('garbled', `${name} ${isEndless ? `was told to stop after ${mostTokens} tokens and went on: ${pieces} pieces, ${characters} characters` : `answered with more than ${MOST_CALLS} calls`}`);
      return characters;
    },
    isWhole: () => finish !== null,
    answer({ requestBytes, firstId }) {
      const seen = new Set<string>();
      const whole = calls.map(({ id, tool, input }, i): ToolCall => {
        const own = id === undefined || seen.has(id) ? `${firstId}-${i}` : id; // an answer to a call must find it
        seen.add(own);
        return { id: own, tool, input };
      });
      return { text, calls: whole, ended: finish === 'length' ? 'length' : finish === 'content_filter' ? 'refused' : whole.length > 0 ? 'calls' : 'stop', usage: usage(requestBytes) };
    },
    usage,
  };
}
