import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import { listRuns, removeRun } from '../../src/adapters/nats/runs.ts';
import { openConnection } from '../../src/adapters/nats/session.ts';
import { natsServer } from '../support/nats.ts';

// What a server holds of a run.

test('a removal that was cut short has left the run where it can be found and removed again', async () => {
  await using server = await natsServer();
  await (await server.run('r1')).blobs('r1').put(new TextEncoder().encode('a recipe'));
  const nc = await openConnection({ url: server.server.url, keyFile: server.server.keyFile('supervisor'), name: 'test', role: 'supervisor' });
  const [js, jsm] = [jetstream(nc), await jetstreamManager(nc, { checkAPI: false })];
  const streams = async (): Promise<string[]> => { const names: string[] = []; for await (const name of jsm.streams.names()) names.push(name); return names.sort(); };
  const remove = jsm.streams.delete.bind(jsm.streams);
  jsm.streams.delete = () => Promise.reject(new Error('killed here'));
  await expect(removeRun({ js, jsm, run: 'r1' })).rejects.toThrow('killed here');
  expect([await streams(), await listRuns(jsm)]).toEqual([['BRIGADE_EVT_r1'], ['r1']]);
  jsm.streams.delete = remove;
  await removeRun({ js, jsm, run: 'r1' });
  expect(await streams()).toEqual([]);
  await nc.close();
});
