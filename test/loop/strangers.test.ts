import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nkeyAuthenticator, connect } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inboxPrefix } from '../../src/adapters/nats/server-config.ts';
import type { Role } from '../../src/protocols/streams.ts';
import { openProject, type Project } from '../support/program.ts';
import { expectWhole } from './ledger.ts';

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

const RUN = 'strangers';

/** A bare client with a role's key: it may say what it likes, and hears what became of it. */
async function stranger(role: Role) {
  const { url } = JSON.parse(await readFile(join(project.runs, RUN, 'live.json'), 'utf8')) as { url: string };
  const seed = (await readFile(join(project.runs, RUN, 'nats', 'keys', `${role}.nk`), 'utf8')).trim();
  const client = await connect({ servers: url, inboxPrefix: inboxPrefix(role), authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) });
  return {
    /** The reply, or the name of what came instead. */
    ask: (subject: string, body: string | Uint8Array): Promise<{ readonly refused: string | null; readonly reply: unknown }> =>
      client.request(subject, body, { timeout: 20_000 }).then(
        (message) => ({ refused: message.headers?.get('Nats-Service-Error') ?? null, reply: JSON.parse(message.string()) as unknown }),
        (error: unknown) => ({ refused: error instanceof Error ? `${error.name} ${error.message}` : String(error), reply: null })),
    say(subject: string, body: string): void { try { client.publish(subject, body); } catch { /* too large to leave the client */ } },
    async leave() { await client.flush().catch(() => undefined); await client.close(); },
  };
}

const proposal = (more: Readonly<Record<string, unknown>>) => ({
  specialist: 'optimizer', parent: 't0000', asOf: 1, hypothesis: 'a stranger says that this helps', expectedDelta: -1, patch: '--- a/x.py\n', parts: [],
  proposer: { kind: 'llm', strategy: 'stranger', moves: [] }, tokens: 0, money: 0, ...more,
});

test('a live run takes no harm from what strangers say with an operator\'s and a specialist\'s key', async () => {
  const running = project.start(['run', 'tiny', '--trials', '6', '--minutes', '5', '--arm', 'generic-2', '--name', RUN, '--json']);
  await running.until((line) => line.event === 'run.best');
  const specialist = await stranger('specialist');
  const operator = await stranger('operator');
  expect((await operator.ask(`brigade.cmd.run.pause.${RUN}`, '')).reply).toMatchObject({ ok: true }); // it must not be over before everything was said
  const propose = `brigade.cmd.broker.propose.${RUN}`;

  for (const body of ['', '{', 'null', '[]', '{"clientId":"a"}', '\u0000', JSON.stringify({ clientId: 'c1', proposal: proposal({ expectedDelta: 'much' }), feedback: null }), JSON.stringify({ clientId: 'c2', proposal: proposal({ score: 0 }), feedback: null }), '{"clientId":"c3","proposal":{"expectedDelta":1e999}}']) {
    expect((await specialist.ask(propose, body)).refused, body).not.toBeNull();
  }
  expect((await specialist.ask(propose, new Uint8Array([0xff, 0xfe, 0x00]))).refused).not.toBeNull();
  expect((await specialist.ask(propose, JSON.stringify({ clientId: 'big', proposal: proposal({ patch: 'x'.repeat(300_000) }), feedback: null }))).refused).toMatch(/patch/);
  expect((await specialist.ask(propose, JSON.stringify({ clientId: 'huge', proposal: proposal({ patch: 'x'.repeat(1_100_000) }), feedback: null }))).refused).toMatch(/payload|PAYLOAD/i);

  for (const who of [specialist, operator]) {
    who.say(`brigade.evt.${RUN}.trial.result.t0001`, '{"status":"keep","score":0}');
    who.say(`brigade.evt.${RUN}.run.stopped.1`, '{"reason":"because","wallSeconds":1}');
    who.say(`brigade.tel.${RUN}.pulse.evaluator.ghost`, '{"state":"idle"}');
    who.say(`brigade.tel.${RUN}.pulse.broker.main`, 'not JSON');
    who.say(`$JS.API.STREAM.DELETE.BRIGADE_EVT_${RUN}`, '');
    who.say(`$JS.API.STREAM.PURGE.BRIGADE_EVT_${RUN}`, '');
  }
  for (const [verb, body] of [['limit', '{"trials":"all"}'], ['stop', '{"now":"please"}'], ['note', ''], ['note', JSON.stringify({ note: 'x'.repeat(700) })], ['pause', '{"for":"ever"}']] as const) {
    expect((await operator.ask(`brigade.cmd.run.${verb}.${RUN}`, body)).refused, verb).not.toBeNull();
  }
  expect((await operator.ask(`brigade.cmd.lineage.rows.${RUN}`, '{"after":-1}')).refused).not.toBeNull();
  expect((await specialist.ask(`brigade.cmd.run.stop.${RUN}`, '')).refused, 'a specialist may not stop a run').not.toBeNull();
  expect((await operator.ask(`brigade.cmd.run.note.${RUN}`, '{"note":"all of that was me"}')).reply).toMatchObject({ ok: true });
  expect((await operator.ask(`brigade.cmd.run.resume.${RUN}`, '')).reply).toMatchObject({ ok: true });
  await specialist.leave();
  await operator.leave();

  const done = await running.ended;
  expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' });
  const { facts, lineage } = await expectWhole(project, RUN);
  expect(lineage.stopped).toMatch(/trial limit of 6/);
  expect(lineage.admittedCount).toBe(6);
  expect(lineage.operatorActs).toMatchObject([{ act: 'pause' }, { act: 'note', detail: 'all of that was me' }, { act: 'resume' }]);
  expect(facts.filter((fact) => fact.word === 'trial.admitted' || fact.word === 'trial.rejected').map((fact) => fact.body.clientId)).not.toContain('big');
  await project.quiet();
}, 240_000);
