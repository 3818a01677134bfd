import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { framesOf } from '../nodes/frames.ts';
import { natsServer } from '../support/nats.ts';

interface Relay extends AsyncDisposable { readonly url: string; readonly clients: number; mute(): void }

/** A way to a server on which, once it is mute, no message comes back: it answers every ping, as a server does that is cut off from the others of its cluster. */
async function relay(to: string): Promise<Relay> {
  const sockets = new Set<Socket>();
  let isMute = false;
  let clients = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(to).port), '127.0.0.1');
    clients += 1;
    for (const socket of [client, upstream]) { sockets.add(socket); socket.setNoDelay(true).on('error', () => undefined); }
    client.on('close', () => { clients -= 1; upstream.destroy(); }).pipe(upstream);
    upstream.on('close', () => client.destroy());
    let rest = Buffer.alloc(0);
    upstream.on('data', (bytes: Buffer) => {
      const read = framesOf(Buffer.concat([rest, bytes]));
      rest = Buffer.from(read.rest);
      for (const frame of read.found) if (!(isMute && frame.isMessage)) client.write(frame.bytes);
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get clients() { return clients; },
    mute() { isMute = true; },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => { server.close(resolve); });
    },
  };
}

const hint = { from: 'kernel', to: 'data', file: 'model.py', symbol: null, hint: 'a hint', trial: null };

test('a server that answers its pings and no question is left for another one: what is said is recorded, once, and what is asked is answered', async () => {
  await using server = await natsServer();
  await server.run('r1');
  const [one, other] = [await relay(server.server.url), await relay(server.server.url)];
  await using _one = one;
  await using _other = other;
  const session = await server.session('supervisor', { url: `${one.url},${other.url}` });
  const journal = session.journal('r1');
  expect(await journal.record('handoff.offered', ['h1'], hint)).toEqual({ kind: 'recorded', seq: 1 });
  const silent = one.clients > 0 ? one : other;
  silent.mute();
  expect(await Promise.all([journal.record('handoff.offered', ['h2'], hint), journal.position()])).toEqual([{ kind: 'recorded', seq: 2 }, 2]);
  await expect.poll(() => [silent.clients, one.clients + other.clients], { timeout: 60_000 }).toEqual([0, 1]);
}, 300_000);
