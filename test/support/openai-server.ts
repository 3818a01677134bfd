import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { piecesOf, say, wholeOf, type Reply, type Said } from './openai-reply.ts';
import { ChatBody, textOf, type Asked } from './openai-request.ts';

export { failing, say, tooMany, use, type Reply, type Said } from './openai-reply.ts';
export { textOf, type Asked } from './openai-request.ts';

/** Chooses what comes back for one request, from what it says. */
export type Script = (asked: Asked) => Reply | Promise<Reply>;

/** A real HTTP endpoint that speaks the OpenAI chat-completions protocol, with a scripted model behind it. */
export interface OpenAiServer extends AsyncDisposable {
  /** What a client is configured with; it ends with /v1. */
  readonly baseURL: string;
  /** Every chat request so far, in order. */
  readonly asked: readonly Asked[];
  /** What was asked for at other paths, or could not be read. A client that makes any has lost its way. */
  readonly strays: readonly string[];
  /** Answers from now on by another script. */
  follow(script: Script): void;
}

/** A script that waits for something says that it is alive, as real endpoints do whose models are slow: whoever asks would take it for dead on a slow machine. */
const ALIVE_MS = 10_000;

/** Serves a script on a free port of this machine until disposed, which breaks whatever hangs. */
export async function openAiServer(script: Script, { key = null }: { /** The key without which it answers 401. */ readonly key?: string | null } = {}): Promise<OpenAiServer> {
  const asked: Asked[] = [];
  const strays: string[] = [];
  let current = script;
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => { // a script that fails is an endpoint that fails, and its test sees why
      strays.push(`script: ${String(error)}`);
      response.destroy();
    });
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const raw = await textFrom(request);
    if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
      strays.push(`${request.method} ${request.url}`);
      return send(response, 404, { error: { message: `no ${request.url} here`, type: 'invalid_request_error' } });
    }
    if (key !== null && request.headers.authorization !== `Bearer ${key}`) return send(response, 401, { error: { message: `Incorrect API key provided: ${request.headers.authorization ?? 'none'}`, type: 'invalid_request_error', code: 'invalid_api_key' } });
    const body = ChatBody.safeParse(jsonOf(raw));
    if (!body.success) {
      strays.push(`unreadable: ${body.error.message}`);
      return send(response, 400, { error: { message: body.error.message, type: 'invalid_request_error' } });
    }
    const { messages } = body.data;
    const one: Asked = {
      attempt: asked.length + 1, headers: request.headers, raw, body: body.data, known: Math.max(0, ...asked.map((earlier) => alike(earlier.raw, raw))),
      system: textOf(messages.find(({ role }) => role === 'system' || role === 'developer')), last: textOf(messages.at(-1)),
      hungUp: new Promise((resolve) => response.once('close', () => { if (!response.writableFinished) resolve(); })),
    };
    asked.push(one);
    const thinking = setInterval(() => { if (body.data.stream === true && !response.destroyed) stream(response, [': it thinks\n\n']); }, ALIVE_MS);
    response.once('close', () => clearInterval(thinking));
    const reply = await Promise.resolve(one).then(current).finally(() => clearInterval(thinking));
    await give(response, one, reply);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseURL: `http://127.0.0.1:${port}/v1`, asked, strays,
    follow: (next) => { current = next; },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => { server.close(() => resolve()); server.closeAllConnections(); }),
  };
}

async function give(response: ServerResponse, asked: Asked, reply: Reply): Promise<void> {
  switch (reply.kind) {
    case 'said': {
      if (!asked.body.stream) return send(response, 200, wholeOf(reply, asked));
      stream(response, [...piecesOf(reply, asked), 'data: [DONE]\n\n']);
      response.end();
      return;
    }
    case 'status': return send(response, reply.status, reply.body ?? '', reply.headers);
    case 'hang': {
      if (reply.after !== 'nothing') stream(response, begun(asked, reply.answer).slice(0, reply.after));
      return; // and nothing more
    }
    case 'cut': {
      stream(response, begun(asked, reply.answer).slice(0, reply.after));
      await new Promise((resolve) => setImmediate(resolve)); // what was written leaves first
      response.destroy();
      return;
    }
    case 'raw': {
      response.writeHead(reply.status ?? 200, { 'content-type': reply.contentType ?? 'application/json' }).end(reply.body);
      return;
    }
    case 'trickle': return trickle(response, asked, reply.everyMs);
    case 'flood': return flood(response, asked, reply.bytes);
    default: return reply satisfies never;
  }
}

const LONG = say('It was to be a long answer, with much more to come than what has come.');
const begun = (asked: Asked, said: Said = LONG): readonly string[] => piecesOf(said, asked);

function stream(response: ServerResponse, pieces: readonly string[]): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }).flushHeaders();
  for (const piece of pieces) response.write(piece);
}

async function trickle(response: ServerResponse, asked: Asked, everyMs: number): Promise<void> {
  const piece = piecesOf(say('x'), asked)[1] ?? '';
  stream(response, []);
  for (; !response.destroyed; response.write(piece)) await new Promise((resolve) => setTimeout(resolve, everyMs));
}

/** As fast as it is read, until enough or until nobody reads. */
async function flood(response: ServerResponse, asked: Asked, bytes: number): Promise<void> {
  const piece = piecesOf({ kind: 'said', text: 'all work and no play' }, asked)[1] ?? '';
  const block = piece.repeat(256);
  stream(response, []);
  for (let sent = 0; sent < bytes && !response.destroyed; sent += block.length) {
    if (!response.write(block)) await Promise.race([asked.hungUp, new Promise<void>((resolve) => { response.once('drain', resolve); })]);
  }
  response.end('data: [DONE]\n\n');
}

function send(response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body));
}

async function textFrom(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

function jsonOf(text: string): unknown {
  try { return JSON.parse(text); } catch { return null; }
}

function alike(a: string, b: string): number {
  let n = 0;
  while (n < a.length && a[n] === b[n]) n += 1;
  return n;
}
