import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, type NatsConnection } from 'nats';
import { expect, test } from 'vitest';
import { natsServer } from '../support/nats.ts';
import { openRelay, type Relay } from './relay.ts';

// The relay between a real client and a real server.

interface Between { readonly relay: Relay; readonly nc: NatsConnection }

async function between(use: (these: Between) => Promise<void>): Promise<void> {
  await using test = await natsServer({ credentials: false });
  const { host } = new URL(test.server.url);
  const relay = openRelay(0, [host], () => undefined);
  await once(relay.server, 'listening');
  const { port } = relay.server.address() as AddressInfo;
  const nc = await connect({ servers: `127.0.0.1:${port}`, reconnect: false, pingInterval: 60_000 });
  try {
    await use({ relay, nc });
  } finally {
    relay.tell({ quiet: false });
    await nc.close();
    relay.server.close();
  }
}

/** What one message arrives as. */
async function said({ nc }: Between): Promise<number> {
  const heard = nc.subscribe('lab.word');
  nc.publish('lab.word', 'a word');
  await nc.flush();
  const times = heard.getReceived();
  heard.unsubscribe();
  return times;
}

test('a message is said twice when the relay is told to, and is counted; as it is again when told so', async () => {
  await between(async (these) => {
    expect(await said(these)).toBe(1);
    these.relay.tell({ twice: 1 });
    expect(await said(these), 'twice on the way there, and each of these twice on the way back').toBe(4);
    expect(these.relay.counts()).toMatchObject({ twice: 3, delayed: 0, swallowed: 0 });
    these.relay.tell({ twice: 0 });
    expect(await said(these)).toBe(1);
  });
});

test('what is held back arrives in its order and is counted', async () => {
  await between(async (these) => {
    these.relay.tell({ delayMs: 100, seed: 3 });
    expect(await said(these)).toBe(1);
    expect(these.relay.counts().delayed).toBeGreaterThan(0);
  });
});

test('a connection that went quiet stays open, swallows what is said, and is closed when the relay is as it was', async () => {
  await between(async ({ relay, nc }) => {
    relay.tell({ quiet: true });
    nc.publish('lab.word', 'a word');
    await expect.poll(() => relay.counts().swallowed).toBeGreaterThan(0);
    expect(nc.isClosed()).toBe(false);
    relay.tell({ quiet: false });
    await nc.closed();
  });
});
