import { connect } from 'nats';
import { describe, expect, test, vi } from 'vitest';
import { memoryBus } from '../../src/adapters/memory/index.ts';
import { processClock } from '../../src/adapters/clock/index.ts';
import { NoAnswer, type Bus } from '../../src/ports.ts';
import { ActorState, NamedActorState, Progress, Pulse } from '../../src/protocols/actor.ts';
import { ReadRecipe } from '../../src/protocols/lineage.ts';
import { PauseRun, StopRun } from '../../src/protocols/run.ts';
import { natsServer } from '../support/nats.ts';

const ids = { run: 'r1' };
const reason = async (asked: Promise<unknown>): Promise<string> => asked.then(() => 'answered', (error: unknown) => (error instanceof NoAnswer ? error.reason : String(error)));

const busSpec = (name: string, open: () => Promise<{ readonly asker: Bus; readonly server: Bus } & AsyncDisposable>) => describe(`a bus in ${name}`, () => {
  test('a question reaches the handler parsed and comes back parsed', async () => {
    await using opened = await open();
    const { asker, server } = opened;
    await using _ = server.serve(ReadRecipe, ids, ({ snapshot }, { run }) => ({ recipe: { [`${run}.py`]: snapshot } }));
    await ready(asker, server);
    expect(await asker.ask(ReadRecipe, ids, { snapshot: 'a'.repeat(64) }, { timeoutMs: 5_000 })).toEqual({ recipe: { 'r1.py': 'a'.repeat(64) } });
  });
  test('a command that nobody serves fails at once', async () => {
    await using opened = await open();
    const { asker } = opened;
    expect(await reason(asker.ask(PauseRun, ids, {}, { timeoutMs: 60_000 }))).toBe('nobody');
  });
  test('a handler that does not answer in time is a timeout', async () => {
    await using opened = await open();
    const { asker, server } = opened;
    let free = (): void => {};
    await using _ = server.serve(PauseRun, ids, () => new Promise((resolve) => { free = () => { resolve({ ok: true, message: '' }); }; }));
    await ready(asker, server);
    expect(await reason(asker.ask(PauseRun, ids, {}, { timeoutMs: 50 }))).toBe('timeout');
    free();
  });
  test('a request that does not fit its schema never reaches the handler', async () => {
    await using opened = await open();
    const { asker, server } = opened;
    let reached = 0;
    await using _ = server.serve(ReadRecipe, ids, () => { reached += 1; return { recipe: null }; });
    await ready(asker, server);
    expect(await reason(asker.ask(ReadRecipe, ids, { snapshot: 'short' }, { timeoutMs: 5_000 }))).toBe('refused');
    expect(reached).toBe(0);
  });
  test('a handler that throws refuses and goes on serving', async () => {
    await using opened = await open();
    const { asker, server } = opened;
    let calls = 0;
    await using _ = server.serve(PauseRun, ids, () => { calls += 1; if (calls === 1) throw new Error('not now'); return { ok: true, message: 'then' }; });
    await ready(asker, server);
    await expect(asker.ask(PauseRun, ids, {}, { timeoutMs: 5_000 })).rejects.toThrow('not now');
    expect(await asker.ask(PauseRun, ids, {}, { timeoutMs: 5_000 })).toEqual({ ok: true, message: 'then' });
  });
  test('an answer that is not what the protocol says is not passed on', async () => {
    await using opened = await open();
    const { asker, server } = opened;
    await using _ = server.serve(PauseRun, ids, () => ({ ok: 'yes', message: '' }) as never);
    await ready(asker, server);
    expect(await reason(asker.ask(PauseRun, ids, {}, { timeoutMs: 5_000 }))).toBe('refused');
  });
  test('an aborted question ends with the reason of its signal', async () => {
    await using opened = await open();
    const { asker, server } = opened;
    await using _ = server.serve(PauseRun, ids, () => new Promise<never>(() => {}));
    await ready(asker, server);
    const stop = new AbortController();
    const asked = asker.ask(PauseRun, ids, {}, { timeoutMs: 60_000, signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
  });
  test('a disposed server is nobody', async () => {
    await using opened = await open();
    const { asker, server } = opened;
    const served = server.serve(PauseRun, ids, () => ({ ok: true, message: '' }));
    await ready(asker, server);
    await served[Symbol.asyncDispose]();
    await ready(asker, server);
    expect(await reason(asker.ask(PauseRun, ids, {}, { timeoutMs: 5_000 }))).toBe('nobody');
  });
  test('telemetry reaches every listener that asked for it and no other', async () => {
    await using opened = await open();
    const { asker, server } = opened;
    const heard: string[] = [];
    let all = (): void => {};
    const done = new Promise<void>((resolve) => { all = resolve; });
    await using _ = asker.listen(Progress, { node: 'atlas' }, ({ phase }, { slot }) => { heard.push(`${slot} ${phase}`); if (phase === 'last') all(); });
    await ready(server, asker);
    const say = (node: string, slot: string, phase: string) => { server.tell(Progress, { run: 'r1', node, slot }, { trial: null, replicate: null, phase, seconds: 1, budgetSeconds: 2 }); };
    say('atlas', 'cpu0', 'train');
    say('other', 'cpu0', 'train');
    server.tell(Progress, { run: 'r1', node: 'atlas', slot: 'cpu0' }, { trial: null, replicate: null, phase: 'x', seconds: NaN, budgetSeconds: 2 });
    say('atlas', 'cpu1', 'last');
    await done;
    expect(heard).toEqual(['cpu0 train', 'cpu1 last']);
  });
});

/** Resolves once what the second bus subscribed to before is known to the server: an answer to a later question proves it. */
async function ready(from: Bus, to: Bus): Promise<void> {
  await using _ = to.serve(NamedActorState, { actor: 'broker', run: 'r1', name: 'ready' }, () => ({ actor: 'broker', name: 'ready', run: 'r1', pid: 1, state: '', sinceMs: 0, why: '', context: {} }));
  while ((await reason(from.ask(NamedActorState, { actor: 'broker', run: 'r1', name: 'ready' }, {}, { timeoutMs: 5_000 }))) !== 'answered') { /* not yet */ }
}

busSpec('memory', async () => {
  const bus = memoryBus(processClock);
  return { asker: bus, server: bus, async [Symbol.asyncDispose]() {} };
});
busSpec('nats', async () => {
  const server = await natsServer();
  return { asker: (await server.session()).bus, server: (await server.session()).bus, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
});

describe('a bus in nats, beyond what every bus does', () => {
  test('a person may ask with an empty body, and reads in plain JSON why a wrong one was refused', async () => {
    await using server = await natsServer({ credentials: false });
    const session = await server.session();
    await using _ = session.bus.serve(StopRun, {}, ({ now }, { run }) => ({ ok: true, message: `${run} ${now}` }));
    const raw = await connect({ servers: server.server.url });
    await ready(session.bus, session.bus);
    expect((await raw.request('brigade.cmd.run.stop.r1', '')).json()).toEqual({ ok: true, message: 'r1 false' });
    expect((await raw.request('brigade.cmd.run.stop.r1', '{"now":1}')).json()).toMatchObject({ error: { code: 400, message: expect.stringContaining('now') as string } });
    expect((await raw.request('brigade.cmd.run.stop.r1', new Uint8Array([0xff, 0xfe]))).json()).toMatchObject({ error: { code: 400 } });
    await raw.close();
  });
  test('a command whose reply-to is no inbox is dropped, so that no server speaks for a stranger', async () => {
    await using server = await natsServer({ credentials: false });
    const session = await server.run('r1');
    let handled = 0;
    await using _ = session.bus.serve(PauseRun, ids, () => { handled += 1; return { ok: true, message: '' }; });
    const dropped = new Promise<string>((resolve) => { session.events((event) => { if (event.kind === 'refused') resolve(event.reason); }); });
    await ready(session.bus, session.bus);
    const raw = await connect({ servers: server.server.url });
    raw.publish('brigade.cmd.run.pause.r1', '', { reply: 'brigade.evt.r1.trial.result.t0001' });
    expect(await dropped).toContain('no inbox');
    expect([handled, await session.journal('r1').position()]).toEqual([0, 0]);
    await raw.close();
  });
  test('one of two servers of a command answers, and every actor answers for its own state', async () => {
    await using server = await natsServer();
    const [one, two] = [await server.session('broker'), await server.session('broker')];
    let handled = 0;
    await using _a = one.bus.serve(PauseRun, ids, () => { handled += 1; return { ok: true, message: '' }; });
    await using _b = two.bus.serve(PauseRun, ids, () => { handled += 1; return { ok: true, message: '' }; });
    await using _c = one.presence({ run: 'r1' }).announce({ actor: 'broker', name: 'main', run: 'r1', read: () => ({ state: 'running', why: 'a result', context: { queue: 3, odd: Infinity } }) });
    const operator = await server.session('operator');
    while ((await reason(operator.bus.ask(ActorState, { actor: 'broker' }, {}, { timeoutMs: 5_000 }))) !== 'answered') { /* not yet */ }
    for (let i = 0; i < 10; i++) await operator.bus.ask(PauseRun, ids, {}, { timeoutMs: 5_000 });
    expect(handled).toBe(10);
    expect(await operator.bus.ask(NamedActorState, { actor: 'broker', run: 'r1', name: 'main' }, {}, { timeoutMs: 5_000 })).toMatchObject({ state: 'running', pid: process.pid, context: { queue: 3, odd: null } });
  });
  test('an actor is a micro service that the stock tools list with its commands', async () => {
    await using server = await natsServer({ credentials: false });
    const session = await server.session('evaluator');
    await using _ = session.presence({ run: 'r1' }).announce({ actor: 'evaluator', name: 'atlas', run: 'r1', read: () => ({ state: 'idle', why: '', context: {} }) });
    const raw = await connect({ servers: server.server.url });
    await ready(session.bus, session.bus);
    expect((await raw.request('$SRV.PING.evaluator-atlas', '')).json()).toMatchObject({ type: 'io.nats.micro.v1.ping_response', name: 'evaluator-atlas' });
    const stats = (await raw.request('$SRV.STATS', '')).json<{ endpoints: { subject: string }[] }>();
    expect(stats.endpoints.map(({ subject }) => subject)).toEqual(['brigade.cmd.evaluator.state', 'brigade.cmd.evaluator.state.r1.atlas']);
    await raw.close();
  });
  test('a broker hears the pulse of evaluators with its own key', async () => {
    await using server = await natsServer();
    const [broker, evaluator] = [await server.session('broker'), await server.session('evaluator')];
    const heard = new Promise<string>((resolve) => { broker.bus.listen(Pulse, { run: 'r1', actor: 'evaluator' }, ({ state }, { name }) => { resolve(`${name} ${state}`); }); });
    await ready((await server.session()).bus, broker.bus);
    await using _ = evaluator.presence({ run: 'r1' }).announce({ actor: 'evaluator', name: 'atlas', run: 'r1', read: () => ({ state: 'idle', why: '', context: {} }) });
    expect(await heard).toBe('atlas idle');
  });
  test('a specialist hears neither another actor’s replies nor its pulse, and may not pause a run', async () => {
    await using server = await natsServer();
    const specialist = await server.session('specialist');
    const refused = new Promise<string>((resolve) => { specialist.events((event) => { if (event.kind === 'refused') resolve(event.reason); }); });
    await using _ = specialist.bus.listen(Pulse, {}, () => {});
    expect(await refused).toMatch(/permission/i);
    expect(await reason(specialist.bus.ask(PauseRun, ids, {}, { timeoutMs: 5_000 }))).toBe('refused');
  });
});

test('a field of a log line cannot take the place of the line\'s own level, message or time', async () => {
  await using nats = await natsServer({ credentials: false });
  const session = await nats.run('r1');
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  session.presence({ run: 'r1', actor: 'evaluator' }).log('info', 'sandbox', { level: 'bubblewrap', at: 'noon', message: 'x', holds: 'all' });
  const [said] = written.mock.calls.map(([text]) => JSON.parse(String(text)) as Record<string, unknown>);
  written.mockRestore();
  expect(said).toMatchObject({ level: 'info', message: 'sandbox', actor: 'evaluator', run: 'r1', holds: 'all' });
  expect(said?.['at']).not.toBe('noon');
});
