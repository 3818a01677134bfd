import { ModelFailed } from '../../ports.ts';
import type { Usage } from '../../domain/conversation.ts';
import { mask } from './mask.ts';

// Why a model did not answer, in words for a person and a kind for a program. What the vendor's client threw is never kept as a cause: it holds headers, and they hold the key.

const NOTHING: Usage = { input: 0, cached: 0, output: 0, isMeasured: false };
/** What an endpoint says of itself may be a page of HTML. */
const MOST_QUOTED = 240;
/** How hosted APIs, vLLM, llama.cpp, Ollama and those that imitate them say that a question is longer than their model takes. */
const TOO_LONG = /context[ _-]?(?:length|size|window)|maximum (?:model|input|prompt|sequence) length|(?:prompt|input|request|messages?) (?:is |are |was )?too (?:long|large)|too large for model|input token count|maximum number of (?:input )?tokens|reduce the length/i;

/** Whether an endpoint's words say that the question was too long. */
export const isTooLong = (says: string): boolean => TOO_LONG.test(says);

/** A failure as an endpoint's status says it. */
export function failureOf({ name, status, headers, body, key, now }: { readonly name: string; readonly status: number; readonly headers: Headers; readonly body: string; readonly key: string | null; readonly now: number }): ModelFailed {
  const said = quoted(saidIn(body), key);
  const retryAfterMs = retryAfterOf(headers, now);
  const failed = (kind: ModelFailed['kind'], remedy: string): ModelFailed => new ModelFailed(kind, `${name} answered ${status}${said === '' ? '' : `: ${said}`}${remedy === '' ? '' : `; ${remedy}`}`, { retryAfterMs, usage: NOTHING, hasRemedy: remedy !== '' });
  if ([400, 413, 422, 429, 500].includes(status) && isTooLong(body)) return failed('length', '');
  if (status === 401 || status === 403) return failed('key', key === null ? 'it was sent no key: name one in a file of models' : 'check that the key is of this endpoint and may use this model');
  if (status === 402 || (status === 429 && /insufficient_quota|billing/i.test(body))) return failed('refused', 'what was paid there is used up');
  if (status === 429) return failed('rate', '');
  if (status === 408) return failed('timeout', '');
  if (status === 404) return failed('refused', 'check the name of the model, and that baseURL ends where its documentation says, mostly in /v1');
  if (status >= 300 && status < 400) return failed('refused', 'it sends elsewhere, where a key must not follow: give the address it sends to as baseURL');
  if (status >= 500 || status === 409 || status === 425) return failed('server', '');
  if (/\btemperature\b/.test(body)) return failed('refused', 'say temperature: null for this model, and it is left to the endpoint');
  if (/\breasoning(?:_effort)?\b/.test(body)) return failed('refused', 'name an effort that this model knows as its reasoning, or null');
  return failed('refused', '');
}

/** Codes of the system, and of Node's client, for an endpoint that cannot be talked to before a person mends something. */
const CERTIFICATES = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|ALTNAME/;

/** A failure of the connection. */
export function brokenOf({ name, error, isAnswering, key, usage }: { readonly name: string; readonly error: unknown; readonly isAnswering: boolean; readonly key: string | null; readonly usage: Usage }): ModelFailed {
  const code = codeOf(error);
  if (CERTIFICATES.test(code)) return new ModelFailed('refused', `${name} has a certificate that is not trusted here (${code}): NODE_EXTRA_CA_CERTS names a file of authorities to trust`, { usage: NOTHING, hasRemedy: true });
  if (/HEADERS_TIMEOUT|BODY_TIMEOUT|ETIMEDOUT|CONNECT_TIMEOUT/.test(code)) return new ModelFailed('timeout', `${name} went silent (${code})`, { usage });
  if (isAnswering || /ECONNRESET|EPIPE|UND_ERR_SOCKET/.test(code)) return new ModelFailed('cut', `the connection to ${name} broke${isAnswering ? ' in the midst of an answer' : ''}${code === '' ? '' : ` (${code})`}`, { usage });
  const why = code === '' ? quoted(error instanceof Error ? error.message : String(error), key) : code;
  return new ModelFailed('server', `${name} cannot be reached (${why}): it may not be running, or its baseURL be wrong`, { usage: NOTHING });
}

/** How long an endpoint asks to be left alone: in seconds or until a date of HTTP, or in milliseconds where it says so; null when it does not. */
function retryAfterOf(headers: Headers, now: number): number | null {
  const exact = headers.get('retry-after-ms');
  if (exact !== null && /^\d+(\.\d+)?$/.test(exact)) return Math.ceil(Number(exact));
  const said = headers.get('retry-after')?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(said)) return Math.ceil(Number(said) * 1000);
  const until = said === '' ? NaN : Date.parse(said);
  return Number.isNaN(until) ? null : Math.max(0, until - now);
}

/** What somebody else said, as one line without keys. */
export function quoted(text: string, key: string | null): string {
  const line = mask(text, key).replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\s]+/g, ' ').trim();
  return line.length > MOST_QUOTED ? `${line.slice(0, MOST_QUOTED)} …` : line;
}

/** The sentence in an error body, in the two forms that are about. */
function saidIn(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    const error = fieldOf(parsed, 'error');
    const message = fieldOf(error, 'message') ?? error ?? fieldOf(parsed, 'message') ?? fieldOf(parsed, 'detail');
    return typeof message === 'string' ? message : body;
  } catch { return body; }
}

const fieldOf = (from: unknown, name: string): unknown => (typeof from === 'object' && from !== null && name in from ? Reflect.get(from, name) : undefined);

/** The innermost code of an error and its causes. */
function codeOf(error: unknown): string {
  let code = '';
  for (let at = error, depth = 0; at instanceof Error && depth < 6; at = at.cause, depth += 1) if ('code' in at && typeof at.code === 'string') code = at.code;
  return code;
}
