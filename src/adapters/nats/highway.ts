// HighwayHash-64 (Alakuijala, Cox, Wassenberg: "Fast keyed hash/pseudo-random function using SIMD multiply and permute", arXiv 1612.06257): by it a
// nats-server knows its own records again.

type Lanes = [bigint, bigint, bigint, bigint];

const ALL = (1n << 64n) - 1n;
const LOW = 0xffffffffn;
const INIT_0: Lanes = [0xdbe6d5d5fe4cce2fn, 0xa4093822299f31d0n, 0x13198a2e03707344n, 0x243f6a8885a308d3n];
const INIT_1: Lanes = [0x3bd39e10cb0ef593n, 0xc0acf169b5f18a8cn, 0xbe5466cf34e90c6cn, 0x452821e638d01377n];
const LANES = [0, 1, 2, 3] as const;
const PACKET = 32;

const swapHalves = (x: bigint): bigint => ((x >> 32n) | (x << 32n)) & ALL;
const rotateHalf = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (32n - by))) & LOW;
const lanesOf = (bytes: Buffer, at: number): Lanes => [bytes.readBigUInt64LE(at), bytes.readBigUInt64LE(at + 8), bytes.readBigUInt64LE(at + 16), bytes.readBigUInt64LE(at + 24)];

interface State { readonly v0: Lanes; readonly v1: Lanes; readonly mul0: Lanes; readonly mul1: Lanes }

/** The eight bytes of a hash under a key of thirty-two, as they are stored. */
export function highwayHash(key: Buffer, bytes: Buffer): Buffer {
  const keys = lanesOf(key, 0);
  const v0: Lanes = [...INIT_0];
  const v1: Lanes = [...INIT_1];
  for (const i of LANES) { v0[i] ^= keys[i]; v1[i] ^= swapHalves(keys[i]); }
  const state: State = { v0, v1, mul0: [...INIT_0], mul1: [...INIT_1] };
  let at = 0;
  for (; at + PACKET <= bytes.length; at += PACKET) update(state, lanesOf(bytes, at));
  if (at < bytes.length) updateRest(state, bytes.subarray(at));
  for (const _ of LANES) update(state, [swapHalves(v0[2]), swapHalves(v0[3]), swapHalves(v0[0]), swapHalves(v0[1])]);
  const hash = Buffer.alloc(8);
  hash.writeBigUInt64LE((v0[0] + v1[0] + state.mul0[0] + state.mul1[0]) & ALL);
  return hash;
}

function update({ v0, v1, mul0, mul1 }: State, packet: Lanes): void {
  for (const i of LANES) {
    v1[i] = (v1[i] + mul0[i] + packet[i]) & ALL;
    mul0[i] ^= (v1[i] & LOW) * (v0[i] >> 32n);
    v0[i] = (v0[i] + mul1[i]) & ALL;
    mul1[i] ^= (v0[i] & LOW) * (v1[i] >> 32n);
  }
  for (const [from, to] of [[v1, v0], [v0, v1]] as const) for (const [even, odd] of [[0, 1], [2, 3]] as const) zip(from, to, even, odd);
}

/** Adds two lanes to two others with their bytes in another order. */
function zip(from: Lanes, to: Lanes, even: 0 | 2, odd: 1 | 3): void {
  const [x, y] = [from[odd], from[even]];
  to[even] = (to[even] + ((((y & 0xff000000n) | (x & 0xff00000000n)) >> 24n) | (((y & 0xff0000000000n) | (x & 0xff000000000000n)) >> 16n)
    | (y & 0xff0000n) | ((y & 0xff00n) << 32n) | ((x & 0xff00000000000000n) >> 8n) | ((y << 56n) & ALL))) & ALL;
  to[odd] = (to[odd] + ((((x & 0xff000000n) | (y & 0xff00000000n)) >> 24n) | (x & 0xff0000n) | ((x & 0xff0000000000n) >> 16n)
    | ((x & 0xff00n) << 24n) | ((y & 0xff000000000000n) >> 8n) | ((x & 0xffn) << 48n) | (y & 0xff00000000000000n))) & ALL;
}

/** What is left when no whole packet is. */
function updateRest(state: State, rest: Buffer): void {
  const { length } = rest;
  const [by, odd, packet] = [BigInt(length), length & 3, Buffer.alloc(PACKET)];
  for (const i of LANES) {
    state.v0[i] = (state.v0[i] + (by << 32n) + by) & ALL;
    state.v1[i] = rotateHalf(state.v1[i] & LOW, by) | (rotateHalf(state.v1[i] >> 32n, by) << 32n);
  }
  rest.copy(packet, 0, 0, length - odd);
  if ((length & 16) !== 0) rest.copy(packet, 28, length - 4);
  else if (odd > 0) for (const [to, from] of [[16, length - odd], [17, length - odd + (odd >> 1)], [18, length - 1]] as const) packet[to] = rest[from] ?? 0;
  update(state, lanesOf(packet, 0));
}
