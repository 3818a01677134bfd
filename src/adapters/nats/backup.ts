import { createHash } from 'node:crypto';
import { highwayHash } from './highway.ts';

// A stream as a nats-server backs it up and restores it: a tar archive of its description and its blocks of records, in frames of the S2 format.
//
//   T1. Positions and times are those given: only a restored stream has its messages where, and when, they were said.
//   T2. Blocks are of a size that servers make themselves, and every record bears the hash by which the server knows it to be whole.

/** One message as it will lie in the stream. */
export interface Kept { readonly seq: number; readonly at: number; readonly subject: string; readonly text: string }

const BLOCK_BYTES = 4 * 1024 * 1024;
const TAR_BYTES = 512;
/** Of a frame; the format allows no more. */
const FRAME_BYTES = 65_536;
const RECORD_HEAD = 22;
const HASH = 8;

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The archive of a stream with these messages, in the order of their positions. */
export function backupOf({ name, config, created, messages }: { readonly name: string; readonly config: object; readonly created: Date; readonly messages: Iterable<Kept> }): Buffer {
  const meta = Buffer.from(JSON.stringify({ Created: created.toISOString(), ...config }));
  const files: (readonly [string, Buffer])[] = [['meta.inf', meta], ['meta.sum', Buffer.from(highwayHash(sha256(name), meta).toString('hex'))]];
  let records: Buffer[] = [];
  let bytes = 0;
  const close = (): void => { if (bytes > 0) files.push([`msgs/${files.length - 1}.blk`, Buffer.concat(records)]); records = []; bytes = 0; };
  for (const message of messages) {
    const record = recordOf(message, sha256(`${name}-${files.length - 1}`));
    records.push(record);
    bytes += record.length;
    if (bytes >= BLOCK_BYTES) close();
  }
  close();
  return framed(Buffer.concat([...files.flatMap(([file, content]) => tarred(file, content)), Buffer.alloc(2 * TAR_BYTES)]));
}

function recordOf({ seq, at, subject, text }: Kept, key: Buffer): Buffer { // T1, T2
  const [name, body] = [Buffer.from(subject), Buffer.from(text)];
  const record = Buffer.alloc(RECORD_HEAD + name.length + body.length + HASH);
  record.writeUInt32LE(record.length, 0);
  record.writeBigUInt64LE(BigInt(seq), 4);
  record.writeBigInt64LE(BigInt(at) * 1_000_000n + 500_000n, 12); // readers reckon in numbers that have not room for nanoseconds, and round down
  record.writeUInt16LE(name.length, 20);
  name.copy(record, RECORD_HEAD);
  body.copy(record, RECORD_HEAD + name.length);
  highwayHash(key, Buffer.concat([record.subarray(4, 20), name, body])).copy(record, record.length - HASH);
  return record;
}

/** A file of a tar archive. */
function tarred(name: string, content: Buffer): Buffer[] {
  const head = Buffer.alloc(TAR_BYTES);
  const octal = (value: number, at: number, size: number): void => { head.write(`${value.toString(8).padStart(size - 1, '0')}\0`, at); };
  head.write(name, 0);
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(content.length, 124, 12);
  octal(0, 136, 12);
  head.fill(' ', 148, 156); // its own sum is reckoned with blanks in its place
  head.write('0', 156);
  head.write('ustar\u000000', 257);
  octal(head.reduce((sum, byte) => sum + byte, 0), 148, 7);
  return [head, content, Buffer.alloc((TAR_BYTES - (content.length % TAR_BYTES)) % TAR_BYTES)];
}

/** Bytes in frames that are not compressed, which every reader of S2 and of its forerunner takes. */
function framed(bytes: Buffer): Buffer {
  const frames: Buffer[] = [Buffer.from('\xff\x06\x00\x00sNaPpY', 'latin1')];
  for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
    const part = bytes.subarray(at, at + FRAME_BYTES);
    const head = Buffer.alloc(8);
    head.writeUInt32LE(0x01 + (part.length + 4) * 0x100, 0);
    const sum = crc32c(part);
    head.writeUInt32LE((((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0, 4);
    frames.push(head, part);
  }
  return Buffer.concat(frames);
}

const CASTAGNOLI = Uint32Array.from({ length: 256 }, (_, n) => { let c = n; for (let bit = 0; bit < 8; bit++) c = (c & 1) === 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1; return c; });

function crc32c(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ (CASTAGNOLI[(sum ^ byte) & 0xff] ?? 0);
  return (sum ^ 0xffffffff) >>> 0;
}
