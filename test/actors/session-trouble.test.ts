import { expect, test } from 'vitest';
import type { Fact } from '../../src/domain/fact.ts';
import { NoAnswer } from '../../src/ports.ts';
import { SettleCall } from '../../src/protocols/session.ts';
import { failing, use, type Script } from '../support/openai-server.ts';
import { rig, type Rig } from './session-rig.ts';

// What becomes of a session whose endpoint, broker or own time fails it.

const bodies = <W extends Fact['word']>(facts: readonly Fact[], word: W): Extract<Fact, { word: W }>[] => facts.filter((fact): fact is Extract<Fact, { word: W }> => fact.word === word);
const ended = (facts: readonly Fact[]) => bodies(facts, 'session.ended').map(({ ids, body }) => `${ids[0]} ${body.ending}`);
const edit = (search: string, replace: string) => use('edit', { edits: [{ file: 'recipe.py', search, replace }] });
const submit = (hypothesis: string) => use('submit', { hypothesis, expectedDelta: -0.1 });
const blob = async (r: Rig, hash: string | null | undefined): Promise<string> => new TextDecoder().decode(await r.world.ports.blobs.get(hash ?? '') ?? new Uint8Array());
/** A surface with a file that takes a whole result of a tool, and no checks. */
const LONG = { recipe: { 'recipe.py': `baseline\n${Array.from({ length: 2_000 }, (_, i) => `LINE_${i} = ${i}`).join('\n')}\n` }, admit: async ({ patch }: { readonly patch: string }) => ({ kind: 'admitted' as const, recipe: { 'recipe.py': patch } }) };
const tooLong = failing(400, "This model's maximum context length is 8192 tokens. However, you requested more.");

test('a conversation that outgrew its model goes on without its oldest results, which its transcript keeps', async () => {
  const script: Script = ({ last, body, raw }) => {
    if (raw.length > 50_000) return tooLong;
    if (last.includes('make one change')) return body.messages.some(({ content }) => typeof content === 'string' && content.includes('t0001')) ? use('give_up', { reason: 'one is enough for today' }) : use('read', { file: 'recipe.py' });
    if (last.startsWith('Applied')) return submit('a smaller loss is a smaller loss');
    return body.messages.filter(({ role }) => role === 'tool').length < 4 ? use('read', { file: 'recipe.py' }) : edit('baseline', 'loss=2.0 now');
  };
  await using r = await rig(script, { surface: LONG });
  r.think('data');
  const facts = await r.until((known) => ended(known).length > 0);
  const end = bodies(facts, 'session.ended')[0];
  expect([end?.ids[0], end?.body.ending, end?.body.trials]).toEqual(['s0001', 'submitted', ['t0001']]);
  const shortened = r.server.asked.filter(({ raw }) => raw.includes('left out, because the conversation outgrew what you can take'));
  expect(shortened.length).toBeGreaterThan(0);
  expect(shortened[0]?.body.messages.at(-1)?.content, 'what is newest is told').toContain('LINE_0 = 0');
  const failed = bodies(facts, 'call.settled').filter(({ ids, body }) => ids[0] === 's0001' && body.ended === 'failed');
  expect(failed.length).toBeGreaterThan(0);
  for (const { body } of failed) expect(body).toMatchObject({ input: 0, output: 0, why: expect.stringMatching(/^length: /) });
  const said = await blob(r, end?.body.transcript);
  expect(said.split('LINE_0 = 0').length - 1, 'every result is in the transcript').toBe(4);
  expect(said).not.toContain('outgrew');
});

test('a session whose first question is too long ends failed and counted, and the next has less to read, until it fits', async () => {
  await using r = await rig(({ raw }) => (raw.length > 24_000 ? tooLong : use('give_up', { reason: 'nothing is worth a trial now' })), { knowledge: [{ name: 'task', text: 'what is known of it\n'.repeat(2_400) }] });
  r.pace = 200;
  r.think('data');
  const facts = await r.until((known) => ended(known).some((each) => each.endsWith('gave_up')));
  const ends = ended(facts);
  expect(ends.length).toBeGreaterThan(1);
  expect(ends.slice(0, -1).every((each) => each.endsWith(' failed'))).toBe(true);
  expect(bodies(facts, 'session.ended')[0]?.body).toMatchObject({ trials: [], reason: expect.stringMatching(/longer than the model takes.*maximum context length/) });
  const prompts = await Promise.all(bodies(facts, 'session.opened').map(({ body }) => blob(r, body.prompt)));
  expect(prompts.every((prompt, i) => i === 0 || prompt.length < (prompts[i - 1]?.length ?? 0) * 0.75)).toBe(true);
  expect(prompts.at(-1)).toContain('lines are left out here');
  expect(bodies(facts, 'trial.admitted'), 'no slot was used').toHaveLength(1);
});

test.each([[500, 'endpoint', 8], [400, 'model', 2]] as const)('a question that is always answered %i is given up with its session, which is said to have failed, and the next begins afresh', async (status, cause, rests) => {
  const script: Script = ({ last, body }) => (body.messages.length > 2 ? failing(status, 'this conversation does not fit my template') : last.includes('make one change') ? use('check', {}) : use('give_up', { reason: 'what else is there to say' }));
  await using r = await rig(script);
  r.pace = 200;
  r.think('data', { limits: { seconds: 1_000_000 } });
  await r.until((known) => bodies(known, 'specialist.stalled').length > 0);
  r.pace = 4_000; // minutes of rest
  const facts = await r.until((known) => bodies(known, 'session.opened').length > 1);
  expect(bodies(facts, 'session.ended')[0]).toMatchObject({ ids: ['s0001'], body: { ending: 'failed', trials: [], reason: expect.stringMatching(/^no answer to its question, tried again and again: .*does not fit my template/) } });
  expect(bodies(facts, 'specialist.stalled')[0]?.body.cause).toBe(cause);
  const tried = bodies(facts, 'call.settled').filter(({ ids, body }) => ids[0] === 's0001' && body.ended === 'failed').length;
  expect(tried).toBe((status === 500 ? 6 : 1) + rests);
  expect(bodies(facts, 'call.reserved').filter(({ ids }) => ids[0] === 's0001'), 'every attempt was reserved and settled').toHaveLength(tried + 1);
});

test('an answer that was paid for is kept while the broker is away, settled when it is back, and never asked for again', async () => {
  await using r = await rig(({ last, body }) => {
    if (last.includes('make one change')) return body.messages.some(({ content }) => typeof content === 'string' && content.includes('t0001')) ? use('give_up', { reason: 'one is enough for today' }) : edit('baseline', 'loss=2.0 now');
    return submit('a smaller loss is a smaller loss');
  });
  let silences = 0;
  const { bus } = r.world.ports;
  r.think('data', { bus: { ...bus, ask: async (command, ids, request, within) => {
    if (command.pattern === SettleCall.pattern && silences++ % 4 !== 3) throw new NoAnswer('broker.settle-call', 'timeout', 'the broker is away');
    return bus.ask(command, ids, request, within);
  } } });
  const facts = await r.until((known) => ended(known).length > 0);
  expect(ended(facts)[0]).toBe('s0001 submitted');
  expect(silences).toBeGreaterThan(6);
  const mine = r.server.asked.filter(({ raw }) => !raw.includes('t0001'));
  expect(new Set(mine.map(({ raw }) => raw)).size, 'nothing was asked twice').toBe(mine.length);
  const calls = bodies(facts, 'call.reserved').filter(({ ids }) => ids[0] === 's0001').map(({ ids }) => ids.join());
  expect(bodies(facts, 'call.settled').filter(({ ids, body }) => ids[0] === 's0001' && body.ended === 'answered').map(({ ids }) => ids.join())).toEqual(calls);
});

test('an endpoint that trickles one character a moment is hung up on when the time of its session is over, and the most it could cost counts', async () => {
  await using r = await rig(() => ({ kind: 'trickle', everyMs: 5 }));
  r.think('data', { limits: { seconds: 4 }, price: { input: 1, cached: 1, output: 1 } });
  const facts = await r.until((known) => ended(known).length > 0);
  expect(bodies(facts, 'session.ended')[0]?.body).toMatchObject({ ending: 'capped', trials: [], reason: expect.stringContaining('was still answering when the 4 s of thinking of this session were over') });
  await r.server.asked[0]?.hungUp;
  const reserved = bodies(facts, 'call.reserved').filter(({ ids }) => ids[0] === 's0001');
  expect(reserved).toHaveLength(1);
  const [settled] = bodies(facts, 'call.settled');
  expect(settled?.body).toMatchObject({ ended: 'failed', isMeasured: false, money: reserved[0]?.body.money });
  expect((settled?.body.input ?? 0) + (settled?.body.output ?? 0)).toBe(reserved[0]?.body.tokens);
});

test('a specialist that is stopped hangs up on an endpoint that hangs, at once, and its session is gone on with by the next', async () => {
  let isUp = false;
  await using r = await rig(() => (isUp ? use('give_up', { reason: 'nothing is worth a trial now' }) : { kind: 'hang', after: 'nothing' }));
  const saver = (await import('@langchain/langgraph')).MemorySaver;
  const store = new saver();
  const first = r.think('data', { saver: store });
  await r.until(() => r.server.asked.length > 0);
  await first[Symbol.asyncDispose]();
  await r.server.asked[0]?.hungUp;
  await first.done;
  isUp = true;
  r.think('data', { saver: store });
  const facts = await r.until((known) => ended(known).length > 0);
  expect(ended(facts)[0]).toBe('s0001 gave_up');
  expect(bodies(facts, 'call.settled').map(({ ids }) => ids.join()), 'what was out counts in full').toEqual(['s0001,2']);
});
