import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ScoredSchema, type Scored } from '../../src/protocols/scored.ts';

// nanochat-mini's scorer against honest and cheating predictors, on some of the real held-out items; the predictors speak its protocol from here, as a
// recipe that took over its process could.

const root = join(import.meta.dirname, '..', '..');
const python = join(root, '.brigade', 'python', 'bin', 'python');
const prepared = join(root, '.brigade', 'data', 'nanochat-mini');
const HEAD = 32;
const ITEMS = 60;

const Made = z.object({ blocks: z.array(z.string()), tasks: z.array(z.object({ name: z.string(), kind: z.string(), guess: z.number(), items: z.array(z.array(z.tuple([z.string(), z.string()]))) })) });
type Made = z.infer<typeof Made>;

let made: Made;
let data = '';
beforeAll(() => {
  const whole = Made.parse(JSON.parse(readFileSync(join(prepared, 'search.bin'), 'latin1')));
  made = { blocks: whole.blocks.slice(0, 4), tasks: whole.tasks.map((task) => ({ ...task, items: task.items.slice(0, ITEMS) })) };
  data = mkdtempSync(join(tmpdir(), 'brigade-nanochat-scorer-'));
  writeFileSync(join(data, 'search.bin'), JSON.stringify(made), 'latin1');
});
afterAll(() => rmSync(data, { recursive: true, force: true }));

/** Where one distribution is wanted: the row as shown, its place in the batch, and the place in the row that comes next. */
interface Place { readonly row: Buffer; readonly rank: number; readonly rows: number; readonly at: number }
type Answer = (into: Float32Array, place: Place) => void;
interface Side { readonly answer: Answer; readonly nonsense?: boolean; readonly hangUpAfter?: number }

const uniform: Answer = (into) => { into.fill(-Math.log(256)); };
/** Bytes by how often the text they come from has them. */
const counted: Answer = (() => {
  const counts = new Float64Array(256).fill(1);
  for (const byte of readFileSync(join(prepared, 'train.bin')).subarray(0, 500_000)) counts[byte] = (counts[byte] ?? 0) + 1;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const table = Float32Array.from(counts, (count) => Math.log(count / total));
  return (into) => { into.set(table); };
})();
const sure = (into: Float32Array, byte: number, chance: number): void => { into.fill(Math.log((1 - chance) / 255)); into[byte] = Math.log(chance); };

function play(socket: Duplex, side: Side, asked: Buffer[] = []): void {
  let heard = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  socket.on('data', (piece: Buffer) => {
    heard = Buffer.concat([heard, piece]);
    while (heard.length >= HEAD) {
      const [rows, width, first] = [heard.readUInt32LE(4), heard.readUInt32LE(8), heard.readUInt32LE(12)];
      if (heard.length < HEAD + rows * width) return;
      const [nonce, shown] = [heard.subarray(16, HEAD), heard.subarray(HEAD, HEAD + rows * width)];
      heard = heard.subarray(HEAD + rows * width);
      if (side.hangUpAfter !== undefined && asked.length >= side.hangUpAfter) { socket.destroy(); return; }
      const wanted = width + 1 - first;
      const body = new Float32Array(rows * wanted * 256);
      for (let rank = 0; rank < rows; rank++) {
        const row = shown.subarray(rank * width, (rank + 1) * width);
        asked.push(row);
        for (let k = 0; k < wanted; k++) side.answer(body.subarray((rank * wanted + k) * 256, (rank * wanted + k + 1) * 256), { row, rank, rows, at: first + k });
      }
      const header = Buffer.alloc(HEAD);
      header.write(side.nonsense ? 'NONE' : 'BRGA', 'latin1');
      header.writeUInt32LE(rows, 4); header.writeUInt32LE(wanted, 8); header.writeUInt32LE(256, 12);
      nonce.copy(header, 16);
      socket.write(Buffer.concat([header, Buffer.from(body.buffer)]));
    }
  });
}

function score(first: Side, auditor: Side = first, { seed = '1f', asked = [] as Buffer[] } = {}): Promise<Scored> {
  const child = spawn(python, ['-I', join(root, 'evaluators', 'nanochat-mini', 'scorer.py')], { stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'], env: { OMP_NUM_THREADS: '1' } });
  play(child.stdio[3] as Duplex, first, asked);
  play(child.stdio[4] as unknown as Duplex, auditor);
  child.stdin.end(JSON.stringify({ data, purpose: 'search', seed }));
  let [said, complaint] = ['', ''];
  child.stdout.on('data', (piece: Buffer) => { said += piece.toString(); });
  child.stderr.on('data', (piece: Buffer) => { complaint += piece.toString(); });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => { if (code === 0) resolve(ScoredSchema.parse(JSON.parse(said))); else reject(new Error(complaint)); });
  });
}

const missed = (scored: Scored): string[] => (scored.kind === 'scored' ? scored.gates.filter(({ passed }) => !passed).map(({ name }) => name) : []);
const coreOf = (scored: Scored): number => (scored.kind === 'scored' ? scored.score ?? NaN : NaN);
const metricsOf = (scored: Scored): Readonly<Record<string, number>> => (scored.kind === 'scored' ? scored.metrics : {});

/** A predictor that knows the right rows by heart and is sure of each of their bytes. */
function knowing(kinds: readonly string[], chance: number): Answer {
  const texts = made.tasks.filter(({ kind }) => kinds.includes(kind)).flatMap(({ items }) => items.map((item) => Buffer.from((item[0] ?? ['', '']).join(''), 'latin1')));
  return (into, { row, at }) => {
    const text = texts.find((one) => at < one.length && at >= 20 && one.subarray(0, at).equals(row.subarray(0, at)));
    if (text === undefined) uniform(into, { row, rank: 0, rows: 1, at });
    else sure(into, text[at] ?? 0, chance);
  };
}

describe('what is earned', () => {
  test('a predictor for which every row is alike earns exactly nothing, and its bits are those of a byte', async () => {
    const scored = await score({ answer: uniform });
    expect(scored).toMatchObject({ kind: 'scored', score: 0, metrics: { function_word: 0.25, word_order: 0.5, word_fit: 0.5, half_word: 0 } });
    expect(metricsOf(scored)['val_bpb']).toBeCloseTo(8, 5);
    expect(missed(scored)).toEqual([]);
  });

  test('a predictor that knows every right row earns everything', async () => {
    const scored = await score({ answer: knowing(['choice', 'schema', 'completion'], 0.9) });
    expect(missed(scored)).toEqual([]);
    expect(coreOf(scored)).toBeGreaterThan(0.97);
  });

  test('the score is the mean of the eight accuracies, each centred by its guess', async () => {
    const scored = await score({ answer: knowing(['completion'], 0.9) });
    const centred = made.tasks.map(({ name, guess }) => ((metricsOf(scored)[name] ?? NaN) - guess) / (1 - guess));
    expect(coreOf(scored)).toBeCloseTo(centred.reduce((sum, one) => sum + one, 0) / 8, 9);
    expect(metricsOf(scored)).toMatchObject({ word_completion: 1, half_word: 1, word_order: 0.5, function_word: 0.25 });
  });

  test('how often bytes are used tells next to nothing of which row is right', async () => {
    expect(Math.abs(coreOf(await score({ answer: counted })))).toBeLessThan(0.08); // 60 items a task: the draw alone is ± 0.03
  });

  test('the same secret asks the same, another asks in another order, and at least 256 places are asked again', async () => {
    const [one, same, other] = [[], [], []] as [Buffer[], Buffer[], Buffer[]];
    const scored = await score({ answer: counted }, undefined, { asked: one });
    expect(await score({ answer: counted }, undefined, { asked: same })).toEqual(scored);
    await score({ answer: counted }, undefined, { asked: other, seed: '2f' });
    expect(Buffer.concat(one).equals(Buffer.concat(same))).toBe(true);
    expect(Buffer.concat(one).equals(Buffer.concat(other))).toBe(false);
    expect(metricsOf(scored)['audited']).toBeGreaterThanOrEqual(256);
  });
});

describe('a predictor that would cheat', () => {
  test('is shown no byte of a completion that it has not said itself, and no completion after the whole rows', async () => {
    const asked: Buffer[] = [];
    await score({ answer: (into) => sure(into, 's'.charCodeAt(0), 0.9) }, undefined, { asked });
    const completions = made.tasks.filter(({ kind }) => kind === 'completion').flatMap(({ items }) => items.flat());
    const endingIn = (row: Buffer): string => row.toString('latin1').replace(/\0+$/, '');
    const first = asked.slice(0, completions.length).map(endingIn);
    expect(first.sort()).toEqual(completions.map(([prefix]) => prefix).sort());
    const extended = completions.flatMap(([prefix, answer]) => [1, 2, 3].map((shown) => ({ text: prefix + answer.slice(0, shown), said: answer.slice(0, shown) })));
    const leaked = asked.map(endingIn).flatMap((text) => extended.filter((one) => one.text === text)).filter(({ said }) => !/^s+$/.test(said));
    expect(leaked).toEqual([]);
  });

  test('is disqualified when it reads ahead in whole rows, and its completions earn nothing by it', async () => {
    const ahead: Answer = (into, place) => { const byte = place.row[place.at]; if (byte === undefined) counted(into, place); else sure(into, byte, 0.99); };
    const scored = await score({ answer: ahead }, { answer: ahead });
    expect(missed(scored)).toContain('audit');
    expect(metricsOf(scored)).toMatchObject({ word_completion: 0, half_word: 0 });
  });

  test('is disqualified when it knows right rows that a fresh predictor does not, however little surer it is of them', async () => {
    const base = -Math.log(256);
    const texts = made.tasks.filter(({ kind }) => kind !== 'completion').flatMap(({ items }) => items.map((item) => (item[0] ?? ['', '']).join('')));
    const tilt: Answer = (into, { row, at }) => {
      into.fill(base);
      const text = row.toString('latin1').replace(/\0+$/, '');
      const byte = row[at] ?? 32;
      if (text.length > 20 && texts.some((one) => one.startsWith(text))) { into.fill(Math.log((1 - Math.exp(base + 0.008)) / 255)); into[byte] = base + 0.008; }
    };
    const scored = await score({ answer: tilt }, { answer: uniform });
    expect(coreOf(scored)).toBeGreaterThan(0.5);
    expect(missed(scored)).toEqual(['favour']);
  });

  test('is disqualified when its answers depend on the place of a row in a batch, and earns nothing by it', async () => {
    const favours: Answer = (into, place) => { if (place.rank < place.rows / 2) sure(into, 'e'.charCodeAt(0), 0.5); else counted(into, place); };
    const scored = await score({ answer: favours });
    expect(missed(scored)).toContain('audit');
    expect(Math.abs(coreOf(scored))).toBeLessThan(0.12);
  });

  test('has no score when its distributions sum to more than one, or hold NaN', async () => {
    expect(await score({ answer: (into) => { into.fill(Math.log(0.5)); } })).toMatchObject({ kind: 'scored', score: null, gates: [{ name: 'normalised', passed: false }] });
    expect(await score({ answer: (into, place) => { uniform(into, place); into[7] = NaN; } })).toMatchObject({ kind: 'scored', score: null, gates: [{ name: 'not_finite', passed: false }] });
  });

  test('has tampered when it sends bytes that answer nothing, and has crashed when it hangs up', async () => {
    expect(await score({ answer: uniform, nonsense: true })).toMatchObject({ kind: 'tampered', where: 'descriptor 3' });
    expect(await score({ answer: uniform, hangUpAfter: 40 })).toEqual({ kind: 'hung-up', who: 'predictor' });
  });
});
