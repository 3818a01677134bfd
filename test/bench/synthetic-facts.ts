import { createHash } from 'node:crypto';
import type { BodyOf, Fact, IdsOf, RunStarted, Word } from '../../src/domain/fact.ts';
import { BASELINE, trialId } from '../../src/domain/ids.ts';
import type { Failure, Measurement } from '../../src/domain/measurement.ts';
import type { Status } from '../../src/domain/status.ts';
import { HASH, measurement, STARTED } from '../support/story.ts';

const ROSTER = ['optimizer', 'architecture', 'data', 'kernel'] as const;
const PATCH = `--- a/optimizer.py\n+++ b/optimizer.py\n@@ -1,5 +1,5 @@\n${Array.from({ length: 20 }, (_, i) => ` line ${i} of what lies around a change`).join('\n')}\n-RATE = 0.02\n+RATE = 0.03\n`;

/** Whose journal it is: a run that has begun, and a node that signs. */
export interface Telling {
  readonly started: RunStarted; readonly node: string; readonly publicKey: string;
  readonly sign: (signed: { readonly trial: string; readonly replicate: string; readonly attempt: number; readonly node: string; readonly measurement: Measurement }) => string;
}

/** Nobody's: for whoever takes signatures as good. */
const UNSIGNED: Telling = { started: { ...STARTED, roster: [...ROSTER], limits: { ...STARTED.limits, trials: null } }, node: 'atlas', publicKey: 'k', sign: () => 'x'.repeat(88) };

/** A journal of so many trials, four facts each and now and then a keep: as long as real ones, made without judging. */
export function* syntheticFacts(trials: number, { started, node, publicKey, sign }: Telling = UNSIGNED): Generator<Fact> {
  let seq = 0;
  const told = <W extends Word>(word: W, ids: IdsOf<W>, body: BodyOf<W>): Fact => ({ word, ids, body, seq: ++seq, at: 1_700_000_000_000 + seq * 300 }) as unknown as Fact;
  yield told('run.started', [], started);
  yield told('node.enrolled', [node, 'b1'], { publicKey, slots: [{ slot: 'cpu0', kind: 'cpu', memoryBytes: 1 }], device: 'cpu/test', evaluatorHash: HASH, environmentHash: HASH, sandbox: 'bubblewrap', canaries: [] });
  yield* trial(BASELINE, 'baseline', BASELINE, 'baseline', 2.5, 0);
  yield told('run.calibrated', [], { reusedFrom: null, device: 'cpu/test', evaluatorHash: HASH, environmentHash: HASH, mean: 2.5, sd: 0.01, measurements: [measurement(2.5), measurement(2.51)] });
  yield told('run.best', ['0'], { trial: BASELINE, score: 2.5, snapshot: HASH, judgedAt: seq });
  let head = BASELINE;
  let bests = 1;
  for (let n = 1; n <= trials; n++) {
    const isKeep = n % 200 === 7;
    const score = isKeep ? 2.4 - bests / 1e4 : 2.6 + (n % 97) / 1000;
    yield* trial(trialId(n), ROSTER[n % ROSTER.length] ?? 'data', head, isKeep ? 'keep' : n % 3 === 0 ? 'crash' : 'discard', score, n);
    if (!isKeep) continue;
    yield told('run.best', [String(bests++)], { trial: trialId(n), score, snapshot: HASH, judgedAt: seq });
    head = trialId(n);
  }

  function* trial(id: string, specialist: string, parent: string, status: Extract<Status, 'baseline' | 'keep' | 'discard' | 'crash'>, score: number, n: number): Generator<Fact> {
    const snapshot = n === 0 ? started.snapshot : createHash('sha256').update(id).digest('hex');
    const failure: Failure | null = status === 'crash' ? { kind: 'crash', phase: 'train', exception: 'RuntimeError: shapes cannot be multiplied (16x64 and 128x64)', frame: 'model.py:8 in MLP.forward' } : null;
    const found = measurement(failure ? null : score, failure);
    const hypothesis = `idea ${n % 500} of ${specialist}: a rate of ${(n % 89) / 1000} should end with less jitter`;
    yield told('trial.admitted', [id], {
      snapshot, feedback: HASH, clientId: `c${id}`,
      proposal: { specialist, parent, asOf: seq, hypothesis, expectedDelta: -0.01, patch: PATCH, parts: [], proposer: { kind: 'search', strategy: 'screen', moves: [`edit:${specialist}/${n % 40}`] }, tokens: 0, money: 0 },
    });
    yield told('lease.granted', [id, 's1', '1'], { trial: id, replicate: 's1', attempt: 1, node, slots: ['cpu0'], purpose: 'search', snapshot, ttlMs: 30_000 });
    yield told('trial.measured', [id, 's1', '1', node], { measurement: found, signature: sign({ trial: id, replicate: 's1', attempt: 1, node, measurement: found }), heldMs: 250 });
    yield told('trial.result', [id], {
      status, specialist, parent, hypothesis, score: found.score, scoreSource: 'evaluator', deltaVsBest: failure ? null : score - 2.4, judgedAgainst: parent, judgedAt: seq, p: null, n: failure ? 0 : 1, sd: null,
      why: 'screened', failure, artifactBytes: 100, phases: found.phases, attempt: 1, node, slots: ['cpu0'], device: 'cpu/test', evaluatorHash: HASH, snapshot,
    });
  }
}
