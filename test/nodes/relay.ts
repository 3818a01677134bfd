import { connect, createServer, type Server, type Socket } from 'node:net';
import { framesOf } from './frames.ts';

// A relay between a client and the servers that reads what passes: NATS frames, one by one.
//
//   R1. It keeps the order of each direction, as any connection does; it may hold frames back, say a message twice, or go quiet without closing anything.

/** What a relay is to do from now on with what passes; `quiet` is about the connections there are, and false closes those that had gone quiet. */
export interface Told { readonly delayMs?: number; readonly twice?: number; readonly quiet?: boolean; readonly seed?: number }

/** What it has done so far, in frames. */
export type Counts = Readonly<Record<'messages' | 'twice' | 'delayed' | 'swallowed', number>>;

export interface Relay { readonly server: Server; tell(what: Told): void; counts(): Counts }

/** Listens on a port of loopback, and passes each connection on to the next of these places. */
export function openRelay(port: number, places: readonly string[], onListening: () => void): Relay {
  const doing = { delayMs: 0, twice: 0 };
  const pairs = new Set<{ isQuiet: boolean; close(): void }>();
  const counts = { messages: 0, twice: 0, delayed: 0, swallowed: 0 };
  let state = 1;
  const chance = (): number => { state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; return state / 2 ** 32; };

  const pass = (from: Socket, to: Socket, pair: { readonly isQuiet: boolean }): void => {
    let rest = Buffer.alloc(0);
    let due = 0;
    from.on('data', (bytes: Buffer) => {
      const read = framesOf(Buffer.concat([rest, bytes]));
      rest = Buffer.from(read.rest);
      for (const frame of read.found) {
        if (pair.isQuiet) { counts.swallowed += 1; continue; }
        const copies = frame.isMessage && chance() < doing.twice ? 2 : 1;
        const now = performance.now();
        due = Math.max(due, now + doing.delayMs * chance()); // R1
        if (frame.isMessage) counts.messages += 1;
        if (copies === 2) counts.twice += 1;
        const send = (): void => { for (let n = 0; n < copies; n++) if (!pair.isQuiet && to.writable) to.write(frame.bytes); };
        if (due <= now) { send(); continue; }
        counts.delayed += 1;
        setTimeout(send, due - now);
      }
    });
  };

  let turn = 0;
  const server = createServer((client) => {
    const place = places[turn++ % places.length] ?? '';
    const upstream = connect(Number(place.slice(place.lastIndexOf(':') + 1)), place.slice(0, place.lastIndexOf(':')));
    const pair = { isQuiet: false, close: () => { client.destroy(); upstream.destroy(); pairs.delete(pair); } };
    pairs.add(pair);
    for (const socket of [client, upstream]) socket.setNoDelay(true).on('error', () => { if (!pair.isQuiet) pair.close(); }).on('close', () => { if (!pair.isQuiet) pair.close(); });
    pass(client, upstream, pair);
    pass(upstream, client, pair);
  }).listen(port, '127.0.0.1', onListening);

  return {
    server,
    tell({ delayMs = 0, twice = 0, quiet = false, seed }) {
      Object.assign(doing, { delayMs, twice });
      if (seed !== undefined) state = seed >>> 0;
      for (const pair of [...pairs]) if (quiet) pair.isQuiet = true; else if (pair.isQuiet) pair.close(); // whoever was cut off so is never answered again
    },
    counts: () => ({ ...counts }),
  };
}
