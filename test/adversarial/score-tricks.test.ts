import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ScoredSchema, type Scored } from '../../src/protocols/scored.ts';

// golf-mini's scorer against predictors that cheat. The scorer is the real one, on the real held-out text; the predictors speak its protocol from here,
// as a recipe that took over its process could.

const root = join(import.meta.dirname, '..', '..');
const python = join(root, '.brigade', 'python', 'bin', 'python');
const data = join(root, '.brigade', 'data', 'golf-mini');
const HEAD = 32;

/** Fills one distribution, given the bytes of the row that were shown and the place; `byte` is what really comes, where the predictor was shown it. */
type Answer = (into: Float32Array, at: { readonly place: number; readonly byte: number | null; readonly index: number; readonly row: Buffer }) => void;
interface Trick {
  readonly answer: Answer;
  /** Bytes written to the scorer's socket beside the answers. */
  readonly before?: Buffer;
  readonly after?: Buffer;
  readonly header?: (header: Buffer) => Buffer;
  readonly hangUpAfter?: number;
}

const table = (() => {
  const counts = new Float64Array(256).fill(1);
  for (const byte of readFileSync(join(data, 'train.bin')).subarray(0, 500_000)) counts[byte] = (counts[byte] ?? 0) + 1;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Float32Array.from(counts, (count) => Math.log(count / total));
})();
const honest: Answer = (into) => { into.set(table); };
/** Puts `chance` on one byte and shares the rest as the table does. */
const lean = (into: Float32Array, byte: number, chance: number): void => {
  const own = Math.exp(table[byte] ?? 0);
  for (let k = 0; k < 256; k++) into[k] = (table[k] ?? 0) + Math.log((1 - chance) / (1 - own));
  into[byte] = Math.log(chance);
};

function play(socket: Duplex, trick: Trick): void {
  let heard = Buffer.alloc(0);
  let asked = 0;
  socket.on('error', () => undefined);
  if (trick.before) socket.write(trick.before);
  socket.on('data', (piece: Buffer) => {
    heard = Buffer.concat([heard, piece]);
    while (heard.length >= HEAD) {
      const [rows, width, lastOnly] = [heard.readUInt32LE(4), heard.readUInt32LE(8), heard.readUInt32LE(12)];
      if (heard.length < HEAD + rows * width) return;
      const nonce = heard.subarray(16, HEAD);
      const tokens = heard.subarray(HEAD, HEAD + rows * width);
      heard = heard.subarray(HEAD + rows * width);
      if (trick.hangUpAfter !== undefined && asked++ >= trick.hangUpAfter) { socket.destroy(); return; }
      const wanted = lastOnly === 1 ? 1 : width + 1;
      const body = new Float32Array(rows * wanted * 256);
      for (let row = 0; row < rows; row++) {
        for (let k = 0; k < wanted; k++) {
          const place = lastOnly === 1 ? width : k;
          trick.answer(body.subarray((row * wanted + k) * 256, (row * wanted + k + 1) * 256), { place, byte: place < width ? tokens[row * width + place] ?? null : null, index: row * 1024 + place, row: tokens.subarray(row * width, (row + 1) * width) });
        }
      }
      const header = Buffer.alloc(HEAD);
      header.write('BRGA', 'latin1');
      header.writeUInt32LE(rows, 4); header.writeUInt32LE(wanted, 8); header.writeUInt32LE(256, 12);
      nonce.copy(header, 16);
      socket.write(Buffer.concat([trick.header?.(header) ?? header, Buffer.from(body.buffer)]));
    }
  });
  socket.on('end', () => { if (trick.after) socket.end(trick.after); else socket.end(); });
}

function score(first: Trick, auditor: Trick = { answer: honest }, seed = randomBytes(16).toString('hex')): Promise<Scored> {
  const child = spawn(python, ['-I', join(root, 'evaluators', 'golf-mini', 'scorer.py')], { stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'], env: { OMP_NUM_THREADS: '1' } });
  play(child.stdio[3] as Duplex, first);
  play(child.stdio[4] as unknown as Duplex, auditor);
  child.stdin.end(JSON.stringify({ data, purpose: 'search', seed }));
  let said = '';
  let complaint = '';
  child.stdout.on('data', (piece: Buffer) => { said += piece.toString(); });
  child.stderr.on('data', (piece: Buffer) => { complaint += piece.toString(); });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => { if (code === 0) resolve(ScoredSchema.parse(JSON.parse(said))); else reject(new Error(complaint)); });
  });
}

const missed = (scored: Scored): string[] => (scored.kind === 'scored' ? scored.gates.filter(({ passed }) => !passed).map(({ name }) => name) : []);

describe('an honest predictor', () => {
  test('scores, is asked again at 256 places and agrees with itself', async () => {
    const scored = await score({ answer: honest });
    expect(scored).toMatchObject({ kind: 'scored', metrics: { blocks: 64, audited: 256 }, gates: [{ name: 'audit', value: 0, passed: true }, { name: 'drift', value: 0, passed: true }] });
    expect(scored.kind === 'scored' && scored.score).toBeGreaterThan(4);
    expect(scored.kind === 'scored' && scored.score).toBeLessThan(5);
  });

  test('gets the same score for the same secret and another for another', async () => {
    const [a, b, c] = [await score({ answer: honest }, undefined, '1f'), await score({ answer: honest }, undefined, '1f'), await score({ answer: honest }, undefined, '2f')];
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });

  test('may give a byte that never comes no chance at all', async () => {
    const scored = await score({ answer: (into) => { into.set(table); into[200] = -Infinity; } }, { answer: (into) => { into.set(table); into[200] = -Infinity; } });
    expect(missed(scored)).toEqual([]);
  });
});

describe('a predictor that reads ahead', () => {
  const peekAt = (share: number): Answer => (into, { byte, index }) => { if (byte !== null && (index * 2654435761 % 4294967296) / 4294967296 < share) lean(into, byte, 0.999); else into.set(table); };
  test.each([1, 0.3, 0.03])('at %f of the places is caught by the audit', async (share) => {
    expect(missed(await score({ answer: peekAt(share) }, undefined, '1f'))).toContain('audit');
  });

  test('at three places in a thousand is caught in most of the six replicates that a keep takes', async () => {
    const caught: boolean[] = [];
    for (const secret of ['11', '12', '13', '14', '15', '16']) caught.push(missed(await score({ answer: peekAt(0.003) }, undefined, secret)).includes('audit'));
    expect(caught.filter(Boolean).length).toBeGreaterThanOrEqual(4);
  });

  test('only where the byte is a surprise is caught by the audit', async () => {
    const surprised: Answer = (into, { byte, index }) => { if (byte !== null && (table[byte] ?? 0) < -7 && index % 3 === 0) lean(into, byte, 0.9); else into.set(table); };
    expect(missed(await score({ answer: surprised }))).toContain('audit');
  });

  test('is not told by one question of the audit what another will ask', async () => {
    const seen: Buffer[] = [];
    let known = 0;
    const remembers: Answer = (into, { row }) => {
      const longer = seen.find((one) => one.length > row.length && one.subarray(0, row.length).equals(row));
      seen.push(Buffer.from(row));
      const byte = longer?.[row.length];
      if (byte === undefined) into.set(table);
      else { known += 1; lean(into, byte, 0.999); }
    };
    expect(missed(await score({ answer: peekAt(1) }, { answer: remembers }))).toContain('audit');
    expect(seen).toHaveLength(256);
    expect(known).toBeLessThanOrEqual(8); // the empty beginning is the beginning of every block
  });

  test('everywhere by less than the audit tolerates is caught by its drift', async () => {
    const nudge: Answer = (into, { byte }) => { if (byte !== null) lean(into, byte, Math.exp(table[byte] ?? 0) * 1.02); else into.set(table); };
    expect(missed(await score({ answer: nudge }))).toEqual(['drift']);
  });
});

describe('answers that are no distributions', () => {
  test.each<[string, Answer, string]>([
    ['that sum to more than one', (into) => { into.set(table.map((nats) => nats + 0.01)); }, 'normalised'],
    ['that are all zero', (into) => { into.fill(0); }, 'normalised'],
    ['that are all minus infinity', (into) => { into.fill(-Infinity); }, 'normalised'],
    ['with one NaN in a corner', (into, { place }) => { into.set(table); if (place === 700) into[255] = NaN; }, 'not_finite'],
    ['with an infinity', (into, { place }) => { into.set(table); if (place === 700) into[255] = Infinity; }, 'not_finite'],
    ['that give the byte that comes no chance', (into, { place }) => { into.set(table); if (place === 5) { into.fill(-Infinity); into[1] = 0; } }, 'not_finite'],
    ['of enormous numbers', (into) => { into.fill(3e38); }, 'normalised'],
  ])('%s have no score and say which gate they missed', async (_, answer, gate) => {
    const scored = await score({ answer }, { answer });
    expect(scored).toMatchObject({ kind: 'scored', score: null });
    expect(missed(scored)).toEqual([gate]);
  });

  test('that sum to a little more than one, within the tolerance, gain nothing', async () => {
    const inflated: Answer = (into) => { into.set(table.map((nats) => nats + 0.0009)); };
    const [plain, more] = [await score({ answer: honest }, undefined, 'aa'), await score({ answer: inflated }, { answer: inflated }, 'aa')];
    expect(plain.kind === 'scored' && more.kind === 'scored' && Math.abs((plain.score ?? 0) - (more.score ?? 9))).toBeLessThan(1e-6);
  });
});

describe('a recipe that speaks to the scorer itself', () => {
  const forged = Buffer.from('{"kind": "scored", "score": 0.5, "metrics": {}, "gates": []}\n');
  test.each<[string, Trick]>([
    ['before it is asked', { answer: honest, before: forged }],
    ['after its last answer', { answer: honest, after: forged }],
    ['with an answer of another shape', { answer: honest, header: (header) => { header.writeUInt32LE(128, 12); return header; } }],
    ['with an answer to another question', { answer: honest, header: (header) => { header[20] = (header[20] ?? 0) ^ 1; return header; } }],
  ])('%s has tampered', async (_, trick) => {
    expect(await score(trick)).toMatchObject({ kind: 'tampered', where: 'descriptor 3' });
  });

  test('through the auditor has tampered', async () => {
    expect(await score({ answer: honest }, { answer: honest, after: forged })).toMatchObject({ kind: 'tampered', what: expect.stringContaining('auditor') });
  });

  test('by hanging up says who hung up and has no score', async () => {
    expect(await score({ answer: honest, hangUpAfter: 2 })).toEqual({ kind: 'hung-up', who: 'predictor' });
    expect(await score({ answer: honest }, { answer: honest, hangUpAfter: 9 })).toEqual({ kind: 'hung-up', who: 'auditor' });
  });
});
