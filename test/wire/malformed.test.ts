import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { connect } from 'nats';
import { describe, expect, test } from 'vitest';
import { readFact } from '../../src/adapters/nats/index.ts';
import type { Unreadable } from '../../src/ports.ts';
import { Pulse } from '../../src/protocols/actor.ts';
import type { CommandMessage } from '../../src/protocols/message.ts';
import { PauseRun } from '../../src/protocols/run.ts';
import * as sessions from '../../src/protocols/session.ts';
import { natsServer } from '../support/nats.ts';

const RUN = 'r1';
const folder = join(import.meta.dirname, 'samples');
const facts = readdirSync(folder).filter((name) => name.startsWith('evt.')).flatMap((name) => (JSON.parse(readFileSync(join(folder, name), 'utf8')) as { samples: { subject: string; body: object }[] }).samples);
/** A request that was once sent, of a command. */
const requestOf = (pattern: string): object => (JSON.parse(readFileSync(join(folder, `cmd.${pattern.replaceAll(':', '')}.json`), 'utf8')) as { samples: { request: object }[] }).samples[0]?.request ?? {};
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What a stranger, or a bug, may send as a body. */
const nonsense: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom('', ' ', 'null', '[]', '0', 'NaN', 'Infinity', '1e999', '-0', '"', '{', '{"a":}', '\u0000', '\ufeff{}', '{"__proto__":{"admin":true}}', '{"constructor":{"prototype":{}}}', '{"toString":1}').map(encode),
  fc.integer({ min: 1, max: 20_000 }).map((depth) => encode('['.repeat(depth) + ']'.repeat(depth))),
  fc.integer({ min: 1, max: 20_000 }).map((depth) => encode('{"a":'.repeat(depth) + '1' + '}'.repeat(depth))),
  fc.json().map(encode),
  fc.constant(new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
);

/** A real body with one value replaced by something else. */
const mutated = fc.tuple(fc.constantFrom(...facts), fc.nat(), fc.constantFrom<unknown>(null, 'NaN', '0.1', '1e999', -1, 1.5, [], {}, true, 'x'.repeat(5_000), '\u001b[2J', '../../etc', 'a.b', '>', '*', { __proto__: null })).map(([{ subject, body }, at, value]) => {
  const keys = Object.keys(body);
  const changed = { ...body, [keys[at % keys.length] ?? '']: value };
  return { subject: subject.replace(/^brigade\.evt\.[^.]+/, `brigade.evt.${RUN}`), bytes: encode(JSON.stringify(changed).replaceAll('"1e999"', '1e999').replaceAll('"NaN"', 'NaN')) };
});

describe('what cannot be read', () => {
  test('is a reason or a fact, never an exception, for two thousand malformed bodies', () => {
    const subjects = facts.map(({ subject }) => subject.replace(/^brigade\.evt\.[^.]+/, `brigade.evt.${RUN}`));
    const cases = [
      ...fc.sample(fc.tuple(fc.constantFrom(...subjects, `brigade.evt.${RUN}`, `brigade.evt.${RUN}.trial.result`, `brigade.evt.other.trial.result.t1`, `brigade.evt.${RUN}.__proto__.x`, `brigade.evt.${RUN}.trial.result.t1.more`), nonsense), { numRuns: 1_000, seed: 1 }).map(([subject, bytes]) => ({ subject, bytes })),
      ...fc.sample(mutated, { numRuns: 1_000, seed: 2 }),
    ];
    expect(cases).toHaveLength(2_000);
    let reasons = 0;
    for (const { subject, bytes } of cases) {
      const read = readFact(RUN, { subject, data: bytes, seq: 1, at: 1 });
      if (typeof read === 'string') { reasons += 1; expect(read.length).toBeGreaterThan(5); expect(read.length).toBeLessThan(600); }
      else expect(JSON.stringify(read)).not.toMatch(/Infinity|NaN|admin/);
    }
    expect(reasons).toBeGreaterThan(1_700);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test('stops neither an actor nor a follower on a real bus: each is refused or named, and the next good message arrives', async () => {
    await using server = await natsServer({ credentials: false });
    const session = await server.run(RUN);
    let handled = 0;
    let heard = 0;
    let refused = 0;
    using _e = session.events(({ kind }) => { if (kind === 'refused') refused += 1; });
    await using _s = session.bus.serve(PauseRun, { run: RUN }, () => { handled += 1; return { ok: true, message: '' }; });
    let last = (): void => {};
    const lastHeard = new Promise<void>((resolve) => { last = resolve; });
    await using _l = session.bus.listen(Pulse, {}, ({ state }) => { heard += 1; if (state === 'last') last(); });
    const raw = await connect({ servers: server.server.url });
    await session.bus.ask(PauseRun, { run: RUN }, {}, { timeoutMs: 10_000 });

    const bodies = fc.sample(nonsense, { numRuns: 300, seed: 3 });
    const replies = await Promise.all(bodies.map(async (body) => (await raw.request(`brigade.cmd.run.pause.${RUN}`, body, { timeout: 10_000 })).string()));
    for (const reply of replies) expect(JSON.parse(reply)).toSatisfy((answer: { ok?: boolean; error?: unknown }) => answer.ok === true || answer.error !== undefined);
    expect(handled - 1).toBe(replies.filter((reply) => !reply.includes('"error"')).length);
    for (const body of bodies) raw.publish(`brigade.tel.${RUN}.pulse.broker.main`, body);
    session.bus.tell(Pulse, { run: RUN, actor: 'broker', name: 'main' }, { actor: 'broker', name: 'main', run: RUN, pid: 1, state: 'last', sinceMs: 0, why: '', context: {} });
    await raw.flush();
    for (const [i, body] of bodies.entries()) await raw.request(`brigade.evt.${RUN}.${i % 3 === 0 ? 'stranger.said' : 'trial.result'}.n${i}`, body);
    await session.journal(RUN).record('handoff.offered', ['good'], { from: 'a', to: 'b', file: 'f', symbol: null, hint: 'still here', trial: null });
    const unreadable: Unreadable[] = [];
    const stop = new AbortController();
    for await (const fact of session.journal(RUN).follow({ after: 0, signal: stop.signal, onUnreadable: (what) => unreadable.push(what) })) {
      expect(fact).toMatchObject({ word: 'handoff.offered', ids: ['good'], seq: bodies.length + 1 });
      break;
    }
    stop.abort();
    await lastHeard;
    expect(unreadable.map(({ seq }) => seq)).toEqual(bodies.map((_, i) => i + 1));
    expect(heard).toBe(1);
    expect(refused).toBeGreaterThan(300);
    await raw.close();
  });

  test('asked of a session is refused by name and reaches nobody who serves one', async () => {
    await using server = await natsServer({ credentials: false });
    const session = await server.run(RUN);
    const raw = await connect({ servers: server.server.url });
    const ids = { run: RUN, specialist: 'kernel' };
    let reached = 0;
    let [refusals, asked] = [0, 0];
    for (const command of Object.values(sessions).filter((word) => typeof word === 'object' && 'kind' in word && word.kind === 'cmd')) {
      const served = command as unknown as CommandMessage<'x.:run.:specialist', object, unknown>; // one that has no :specialist passes it over
      await using _s = session.bus.serve(served, ids, () => { reached += 1; throw new Error('reached'); });
      const good = requestOf(served.pattern);
      await session.bus.ask(served, ids, good, { timeoutMs: 10_000 }).catch(() => undefined);
      expect(reached, `what ${served.pattern} can read reaches it`).toBe(1);
      const spoilt = Object.keys(good).flatMap((key) => [undefined, -1, 1.5, '\u001b[2J', { deeper: true }, 'x'.repeat(300_000)].map((value) => ({ ...good, [key]: value }))).concat([{ ...good, surprise: 1 }]);
      const bodies = [...fc.sample(nonsense, { numRuns: 30, seed: 4 }), ...spoilt.filter((body) => !served.request.safeParse(body).success).map((body) => encode(JSON.stringify(body)))];
      const replies = await Promise.all(bodies.map(async (body) => (await raw.request(served.subject(ids), body, { timeout: 10_000 })).string()));
      asked += bodies.length;
      refusals += replies.filter((reply) => typeof (JSON.parse(reply) as { error?: unknown }).error !== 'undefined').length;
      expect(reached, served.pattern).toBe(1);
      reached = 0;
    }
    expect(asked).toBeGreaterThan(500);
    expect(refusals).toBe(asked);
    await raw.close();
  });

  test('a message of two megabytes ends its sender’s connection and nobody else’s', async () => {
    await using server = await natsServer({ credentials: false });
    const session = await server.run(RUN);
    const { hostname, port } = new URL(server.server.url);
    const socket = connectSocket(Number(port), hostname);
    let said = '';
    const ended = new Promise<void>((resolve) => { socket.once('close', () => { resolve(); }); socket.on('error', () => {}); });
    socket.on('data', (bytes: Buffer) => { said += bytes.toString(); });
    socket.write(`CONNECT {"verbose":false}\r\nPUB brigade.evt.${RUN}.trial.result.t0001 2000000\r\n`); // refused by what it announces: bytes on their way would turn the refusal into a bare reset
    await ended;
    expect(said).toContain('Maximum Payload Violation');
    expect(await session.journal(RUN).position()).toBe(0);
  });
});
