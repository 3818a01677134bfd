// What is said between a specialist and its model, in words that no vendor owns. Everything a model says is text until it was parsed.

/** One turn of a session. */
export type Turn =
  | { readonly role: 'user'; readonly text: string }
  | { readonly role: 'model'; readonly text: string; readonly calls: readonly ToolCall[] }
  | { readonly role: 'tool'; readonly call: string; readonly tool: string; readonly text: string };

/** A tool that a model wants used. `input` is what it wrote, unparsed. */
export interface ToolCall { readonly id: string; readonly tool: string; readonly input: string }

/** A tool as a model is told of it. `input` is a JSON schema. */
export interface ToolOffer { readonly name: string; readonly says: string; readonly input: Readonly<Record<string, unknown>> }

/** What one call to a model is asked. */
export interface Question {
  /** Stays the same from call to call, so that an endpoint can keep it. */
  readonly system: string;
  readonly turns: readonly Turn[];
  readonly tools: readonly ToolOffer[];
  /** Output tokens, at most. */
  readonly mostTokens: number;
}

/** What a model answered, and what it cost. */
export interface Answer {
  readonly text: string;
  readonly calls: readonly ToolCall[];
  /** `length`: the cap cut it off. */
  readonly ended: 'stop' | 'calls' | 'length' | 'refused';
  readonly usage: Usage;
}

/** Tokens of one call. `cached` are among `input`; `output` includes what a model thought. */
export interface Usage { readonly input: number; readonly cached: number; readonly output: number; /** False: the endpoint did not say, and these were estimated from the bytes. */ readonly isMeasured: boolean }

/** Price of a million tokens, in the unit of the run's money limit. */
export interface Price { readonly input: number; readonly cached: number; readonly output: number }

/** Money that a call cost. */
export const moneyOf = (usage: Usage, price: Price): number =>
  ((usage.input - usage.cached) * price.input + usage.cached * price.cached + usage.output * price.output) / 1e6;

/** The most that a call can cost: every byte asked a token, none of them cached, and every token of the answer used. */
export function mostOf(question: Question, price: Price): { readonly tokens: number; readonly money: number } {
  const input = new TextEncoder().encode(JSON.stringify([question.system, question.turns, question.tools])).length;
  return { tokens: input + question.mostTokens, money: moneyOf({ input, cached: 0, output: question.mostTokens, isMeasured: false }, price) };
}
