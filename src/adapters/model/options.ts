import type { Price } from '../../domain/conversation.ts';

/** How a model is told to say which tool it wants used: by tool calls, by one JSON object held to a schema, or by one JSON object held to nothing. */
export const METHODS = ['tools', 'json-schema', 'json'] as const;
export type Method = (typeof METHODS)[number];

/** How hard a model is asked to think before it answers. */
export const REASONING = ['none', 'minimal', 'low', 'medium', 'high'] as const;
export type Reasoning = (typeof REASONING)[number];

/** One model at one endpoint. */
export interface ModelOptions {
  readonly model: string;
  /** Of a chat-completions API, without its last part: https://api.openai.com/v1. */
  readonly baseURL: string;
  /** null where the endpoint asks for none. */
  readonly key: string | null;
  /** null leaves it to the endpoint, as some models refuse to be told. */
  readonly temperature: number | null;
  readonly reasoning: Reasoning | null;
  readonly method: Method;
  readonly price: Price | null;
  /** How long an endpoint may take to its first byte, and how long it may be silent after it. */
  readonly patience: { readonly firstSeconds: number; readonly silenceSeconds: number };
}

/** As a person would name it: the model and where it is asked. */
export function nameOf({ model, baseURL }: Pick<ModelOptions, 'model' | 'baseURL'>): string {
  const { host, pathname } = new URL(baseURL);
  return `${model} at ${host}${pathname.replace(/\/(v1\/?)?$/, '')}`.slice(0, 200);
}
