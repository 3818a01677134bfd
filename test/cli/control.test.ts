import { Command } from 'commander';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { controlCommands } from '../../src/cli/control.ts';
import { Mistake } from '../../src/cli/mistake.ts';
import { storeModels, USUAL } from '../../src/cli/models.ts';
import { writeLive, writeRunFile, type Place } from '../../src/cli/place.ts';
import type { Limits } from '../../src/domain/budget.ts';
import { LimitRun, NoteRun } from '../../src/protocols/run.ts';
import { natsServer, type TestServer } from '../support/nats.ts';

const RUN = 'toy-1';
let server: TestServer;
let place: Place;

beforeAll(async () => {
  server = await natsServer();
  place = { root: server.dir, runs: join(server.dir, 'runs') };
  await writeRunFile(place, { run: RUN, surface: 'toy', url: null, keys: join(server.dir, 'keys') });
  await writeLive(place, RUN, server.server.url);
});
afterAll(() => server[Symbol.asyncDispose]());

async function brigade(...args: string[]): Promise<string> {
  let out = '';
  const program = new Command();
  controlCommands(program, place, { write: (text) => { out += text; } });
  await program.parseAsync(args, { from: 'user' });
  return out;
}

test.each(['pause', 'resume', 'stop'])('%s of a run whose broker is not there is a mistake that says who was asked and what to do', async (verb) => {
  const asked = brigade(verb, RUN);
  await expect(asked).rejects.toThrow(Mistake);
  await expect(asked).rejects.toThrow(new RegExp(`^nobody in ${RUN} answers ${verb}: .*brigade status ${RUN}`));
});

test('the longest note is answered as it was left; a longer one, or two lines, is refused before it is recorded', async () => {
  const noted: string[] = [];
  await using session = await server.session('broker');
  await using _served = session.bus.serve(NoteRun, { run: RUN }, ({ note }) => { noted.push(note); return { ok: true, message: note }; });
  const longest = 'n'.repeat(400);
  expect(await brigade('note', RUN, '-m', longest)).toBe(`${longest}\n`);
  await expect(brigade('note', RUN, '-m', `${longest}n`)).rejects.toThrow('a note is one line of 1 to 400 characters, and this one has 401');
  await expect(brigade('note', RUN, '-m', 'two\nlines')).rejects.toThrow(Mistake);
  expect(noted).toEqual([longest]);
});

test('a limit takes what run takes, and must be named', async () => {
  const changed: Partial<Limits>[] = [];
  await using session = await server.session('broker');
  await using _served = session.bus.serve(LimitRun, { run: RUN }, (limits) => { changed.push(limits as Partial<Limits>); return { ok: true, message: 'changed' }; });
  expect(await brigade('limit', RUN, '--minutes', '0.5', '--patience', '2')).toBe('changed\n');
  expect(changed).toEqual([{ wallSeconds: 30, secondsWithoutKeep: 120 }]);
  expect(await brigade('limit', RUN, '--tokens', '5000', '--money', '2.5')).toBe('changed\n');
  expect(changed[1]).toEqual({ tokens: 5000, money: 2.5 });
  await expect(brigade('limit', RUN)).rejects.toThrow('name a limit to change');
  await expect(brigade('limit', RUN, '--trials', '1.5')).rejects.toThrow('--trials 1.5 must be a whole number');
});

test('a limit of money is refused for a run that thinks with a model nobody priced, and before its broker is asked', async () => {
  await writeRunFile(place, { run: 'dear', surface: 'toy', url: null, keys: join(server.dir, 'keys'), agents: ['data'] });
  await writeLive(place, 'dear', server.server.url);
  await storeModels(place, 'dear', { defaults: { ...USUAL, model: 'x', baseURL: 'http://127.0.0.1:1/v1', key: null }, specialists: {} });
  await expect(brigade('limit', 'dear', '--money', '5')).rejects.toThrow('this run has a limit of money, and nobody said what x costs (data)');
  await expect(brigade('limit', 'dear', '--tokens', '5')).rejects.toThrow('nobody in dear answers limit');
});
