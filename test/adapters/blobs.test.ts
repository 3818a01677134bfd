import { describe, expect, test } from 'vitest';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Objm } from '@nats-io/obj';
import { connect } from 'nats';
import { memoryBlobs } from '../../src/adapters/memory/index.ts';
import { BlobDamaged } from '../../src/adapters/nats/index.ts';
import type { Blobs } from '../../src/ports.ts';
import { blobBucket } from '../../src/protocols/streams.ts';
import { natsServer } from '../support/nats.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

const blobsSpec = (name: string, open: () => Promise<{ readonly blobs: Blobs } & AsyncDisposable>) => describe(`blobs in ${name}`, () => {
  test('bytes come back under their SHA-256', async () => {
    await using opened = await open();
    const hash = await opened.blobs.put(bytes('hello'));
    expect(hash).toBe('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
    expect(await opened.blobs.get(hash)).toEqual(bytes('hello'));
  });
  test('an unknown hash is null', async () => {
    await using opened = await open();
    expect(await opened.blobs.get('0'.repeat(64))).toBeNull();
  });
  test('what a caller does to its bytes afterwards changes nothing', async () => {
    await using opened = await open();
    const mine = bytes('hello');
    const hash = await opened.blobs.put(mine);
    mine.fill(0);
    (await opened.blobs.get(hash))?.fill(0);
    expect(await opened.blobs.get(hash)).toEqual(bytes('hello'));
  });
  test('the same bytes put by many at once have one hash and can be read', async () => {
    await using opened = await open();
    const hashes = await Promise.all(Array.from({ length: 12 }, () => opened.blobs.put(bytes('same'))));
    expect(new Set(hashes).size).toBe(1);
    expect(await opened.blobs.get(hashes[0] ?? '')).toEqual(bytes('same'));
  });
  test('no bytes and many bytes are blobs too', async () => {
    await using opened = await open();
    for (const each of [new Uint8Array(0), new Uint8Array(3_000_000).fill(7)]) expect(Buffer.compare(await opened.blobs.get(await opened.blobs.put(each)) ?? bytes('none'), each)).toBe(0);
  });
});

blobsSpec('memory', async () => ({ blobs: memoryBlobs(), async [Symbol.asyncDispose]() {} }));
blobsSpec('nats', async () => {
  const server = await natsServer();
  return { blobs: (await server.run('r1')).blobs('r1'), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
});

describe('blobs in nats, beyond what all blobs do', () => {
  test('one process reads what another put, with the keys of broker, evaluator and lineage', async () => {
    await using server = await natsServer();
    await server.run('r1');
    const hash = await (await server.session('evaluator')).blobs('r1').put(bytes('a log'));
    for (const role of ['broker', 'lineage', 'operator'] as const) expect(await (await server.session(role)).blobs('r1').get(hash)).toEqual(bytes('a log'));
  });
  test('bytes stored under a wrong name are an error, not an answer', async () => {
    await using server = await natsServer({ credentials: false });
    const session = await server.run('r1');
    const raw = await connect({ servers: server.server.url });
    await (await new Objm(jetstream(raw)).open(blobBucket('r1'))).putBlob({ name: 'f'.repeat(64) }, bytes('not it'));
    await raw.close();
    await expect(session.blobs('r1').get('f'.repeat(64))).rejects.toThrow(BlobDamaged);
  });
  test('putting a blob twice stores one copy', async () => {
    await using server = await natsServer({ credentials: false });
    await server.run('r1');
    const raw = await connect({ servers: server.server.url });
    const messages = async () => (await (await jetstreamManager(raw)).streams.info(`OBJ_${blobBucket('r1')}`)).state.messages;
    await (await server.session('broker')).blobs('r1').put(bytes('once'));
    const before = await messages();
    await (await server.session('evaluator')).blobs('r1').put(bytes('once'));
    expect(await messages()).toBe(before);
    await raw.close();
  });
  test('a blob can be put and read although the server is killed in between', async () => {
    await using server = await natsServer();
    const blobs = (await server.run('r1')).blobs('r1');
    const hash = await blobs.put(bytes('kept'));
    await server.crash();
    expect(await (await server.session('lineage')).blobs('r1').get(hash)).toEqual(bytes('kept'));
    expect(await blobs.put(bytes('after'))).toHaveLength(64);
  });
});
