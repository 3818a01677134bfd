import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { framesOf } from '../nodes/frames.ts';
import { natsServer } from '../support/nats.ts';

interface Relay extends AsyncDisposable { readonly url: string; readonly clients: number; mute(): void }

/** A way to a server, and for those who have come by it none back once it is mute but for the server's own signs of life, as from one that is cut off from the others of its cluster. */
async function relay(to: string): Promise<Relay> {
  const sockets = new Set<Socket>();
  const pairs = new Set<{ isMute: boolean }>();
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(to).port), '127.0.0.1');
    const pair = { isMute: false };
    pairs.add(pair);
    for (const socket of [client, upstream]) { sockets.add(socket); socket.setNoDelay(true).on('error', () => undefined); }
    client.on('close', () => { pairs.delete(pair); upstream.destroy(); }).pipe(upstream);
    upstream.on('close', () => client.destroy());
    let rest = Buffer.alloc(0);
    upstream.on('data', (bytes: Buffer) => {
      const read = framesOf(Buffer.concat([rest, bytes]));
      rest = Buffer.from(read.rest);
      for (const frame of read.found) if (!(pair.isMute && frame.isMessage)) client.write(frame.bytes);
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get clients() { return pairs.size; },
    mute() { for (const pair of pairs) pair.isMute = true; },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => { server.close(resolve); });
    },
  };
}

const hint = { from: 'kernel', to: 'data', file: 'model.py', symbol: null, hint: 'a hint', trial: null };

test('a server that answers its pings and no question is left for another one, sooner where it led the journal: what is said is recorded, once, and what is asked is answered', async () => {
  await using server = await natsServer();
  await server.run('r1');
  const [one, other] = [await relay(server.server.url), await relay(server.server.url)];
  await using _one = one;
  await using _other = other;
  const open = async () => (await server.session('supervisor', { url: `${one.url},${other.url}` })).journal('r1');
  const [told, untold] = [await open(), await open()];
  expect(await told.position()).toBe(0); // and so it knows who leads
  const before = [one.clients, other.clients];
  for (const each of [one, other]) each.mute();
  const order: string[] = [];
  const said = await Promise.all([told, untold].map((journal, i) => journal.record('handoff.offered', [`h${i}`], hint).finally(() => order.push(`h${i}`))));
  expect(said.map(({ kind }) => kind)).toEqual(['recorded', 'recorded']);
  expect(order).toEqual(['h0', 'h1']);
  expect([await told.position(), await untold.position()]).toEqual([2, 2]);
  await expect.poll(() => [one.clients, other.clients], { timeout: 60_000 }).toEqual(before.reverse());
}, 300_000);
