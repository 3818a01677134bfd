import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { framesOf } from './frames.ts';

// A relay between a client and the servers that reads what passes: NATS frames, one by one.
//
//   R1. It keeps the order of each direction, as any connection does; it may hold frames back, say a message twice, or go quiet without closing anything.
//
// It is told on standard input, a JSON object a line: {"delayMs": 300, "twice": 0.3, "quiet": true, "seed": 7}.

interface Told { delayMs: number; twice: number }

const [port = '', ...places] = process.argv.slice(2);
const told: Told = { delayMs: 0, twice: 0 };
const pairs = new Set<{ isQuiet: boolean; close(): void }>();
const counts = { messages: 0, twice: 0, delayed: 0 };
let state = 1;
const chance = (): number => { state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; return state / 2 ** 32; };

function pass(from: Socket, to: Socket, pair: { readonly isQuiet: boolean }): void {
  let rest = Buffer.alloc(0);
  let due = 0;
  from.on('data', (bytes: Buffer) => {
    const read = framesOf(Buffer.concat([rest, bytes]));
    rest = Buffer.from(read.rest);
    for (const frame of read.found) {
      if (pair.isQuiet) continue;
      const copies = frame.isMessage && chance() < told.twice ? 2 : 1;
      const now = performance.now();
      due = Math.max(due, now + told.delayMs * chance()); // R1
      if (frame.isMessage) counts.messages += 1;
      if (copies === 2) counts.twice += 1;
      const send = (): void => { for (let n = 0; n < copies; n++) if (!pair.isQuiet && to.writable) to.write(frame.bytes); };
      if (due <= now) { send(); continue; }
      counts.delayed += 1;
      setTimeout(send, due - now);
    }
  });
}

let turn = 0;
createServer((client) => {
  const place = places[turn++ % places.length] ?? '';
  const server = connect(Number(place.slice(place.lastIndexOf(':') + 1)), place.slice(0, place.lastIndexOf(':')));
  const pair = { isQuiet: false, close: () => { client.destroy(); server.destroy(); pairs.delete(pair); } };
  pairs.add(pair);
  for (const socket of [client, server]) socket.setNoDelay(true).on('error', () => { if (!pair.isQuiet) pair.close(); }).on('close', () => { if (!pair.isQuiet) pair.close(); });
  pass(client, server, pair);
  pass(server, client, pair);
}).listen(Number(port), '127.0.0.1', () => { process.stdout.write('{"relay":"listens"}\n'); });

createInterface({ input: process.stdin }).on('line', (line) => {
  const { delayMs = 0, twice = 0, quiet = false, seed } = JSON.parse(line) as { delayMs?: number; twice?: number; quiet?: boolean; seed?: number };
  Object.assign(told, { delayMs, twice });
  if (seed !== undefined) state = seed >>> 0;
  for (const pair of [...pairs]) if (quiet) pair.isQuiet = true; else if (pair.isQuiet) pair.close(); // whoever was cut off so is never answered again
  process.stdout.write(`${JSON.stringify(counts)}\n`);
}).on('close', () => process.exit());
setInterval(() => { process.stdout.write(`${JSON.stringify(counts)}\n`); }, 5_000).unref();
