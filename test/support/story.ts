import type { BodyOf, Fact, IdsOf, RunStarted, Word } from '../../src/domain/fact.ts';
import { BASELINE } from '../../src/domain/ids.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import type { Failure, Measurement, Purpose } from '../../src/domain/measurement.ts';

export const HASH = 'a'.repeat(64);

export const STARTED: RunStarted = {
  surface: 'toy', surfaceHash: HASH, evaluator: 'toy', evaluatorHash: HASH,
  objective: { metric: 'loss', unit: 'nats', direction: 'minimize', range: [0, 100] },
  snapshot: '0'.repeat(64), roster: ['optimizer', 'data'], arm: { kind: 'specialists', agents: 2, ownership: 'enforced', lineage: true },
  proposer: 'search', seed: 0, keep: { kind: 'confirmed', alpha: 0.01, replicates: 5 },
  limits: { trials: 32, slotSeconds: null, wallSeconds: null, tokens: null, money: null, secondsWithoutKeep: null },
  calibrationReplicates: 3, slotsPerReplicate: 1, leaseTtlMs: 3000, brigade: 'test',
};

export const measurement = (score: number | null, failure: Failure | null = null): Measurement => ({
  score, scoreSource: 'evaluator', failure, metrics: {}, phases: [{ name: 'train', seconds: 1, wallSeconds: 1, censored: false }], artifactBytes: 100, gates: [],
  seed: 1, device: 'cpu/test', evaluatorHash: HASH, environmentHash: HASH, sandbox: 'bubblewrap', log: null,
});

/** A journal told fact by fact, folded as it grows. */
export interface Story {
  readonly lineage: Lineage;
  readonly facts: Fact[];
  tell<W extends Word>(word: W, ids: IdsOf<W>, body: BodyOf<W>): Story;
  admit(trial: string, parent?: string, specialist?: string): Story;
  lease(trial: string, replicate: string, attempt?: number): Story;
  /** Leases one replicate and measures it. */
  measure(trial: string, replicate: string, score: number | null, failure?: Failure | null): Story;
}

/** A run with one node, before its baseline was measured. */
export function story(started: Partial<RunStarted> = {}): Story {
  const lineage = emptyLineage();
  const facts: Fact[] = [];
  const told: Story = {
    lineage, facts,
    tell(word, ids, body) {
      const fact = { word, ids, body, seq: facts.length + 1, at: 1_700_000_000_000 + facts.length * 1000 } as unknown as Fact;
      facts.push(fact);
      grow(lineage, fact, 'toy-1', () => true);
      return told;
    },
    admit: (trial, parent = BASELINE, specialist = 'optimizer') => told.tell('trial.admitted', [trial], {
      snapshot: trial.slice(1).padEnd(64, '0'), feedback: null, clientId: `c-${trial}`,
      proposal: { specialist, parent, asOf: lineage.applied, hypothesis: `an idea called ${trial}`, expectedDelta: -0.1, patch: '', parts: [], proposer: { kind: 'search', strategy: 'screen', moves: [] }, tokens: 0, money: 0 },
    }),
    lease: (trial, replicate, attempt = 1) => {
      const purpose: Purpose = replicate.startsWith('s') ? 'search' : replicate.startsWith('c') ? 'confirm' : 'final';
      return told.tell('lease.granted', [trial, replicate, String(attempt)], { trial, replicate, attempt, node: 'atlas', slots: ['cpu0'], purpose, snapshot: HASH, ttlMs: 3000 });
    },
    measure(trial, replicate, score, failure = null) {
      const attempt = (lineage.trials.get(trial)?.replicates.get(replicate)?.attempts.length ?? 0) + 1;
      told.lease(trial, replicate, attempt);
      return told.tell('trial.measured', [trial, replicate, String(attempt), 'atlas'], { measurement: measurement(score, failure), signature: '', heldMs: 1000 });
    },
  };
  told.tell('run.started', [], { ...STARTED, ...started });
  told.tell('node.enrolled', ['atlas', 'b1'], { publicKey: 'k', slots: [{ slot: 'cpu0', kind: 'cpu', memoryBytes: 1 }, { slot: 'cpu1', kind: 'cpu', memoryBytes: 1 }], device: 'cpu/test', evaluatorHash: HASH, environmentHash: HASH, sandbox: 'bubblewrap', canaries: [] });
  return told.admit(BASELINE, BASELINE, 'baseline');
}

/** The same, calibrated at these scores and with its baseline as the best. */
export function calibrated(started: Partial<RunStarted> = {}, scores: readonly number[] = [2.5, 2.55, 2.45]): Story {
  const told = story(started);
  const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
  const sd = Math.sqrt(scores.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, scores.length - 1));
  scores.forEach((score, i) => { told.measure(BASELINE, `s${i + 1}`, score); });
  told.tell('run.calibrated', [], { reusedFrom: null, device: 'cpu/test', evaluatorHash: HASH, environmentHash: HASH, mean, sd, measurements: scores.map((score) => measurement(score)) });
  told.tell('run.best', ['0'], { trial: BASELINE, score: mean, snapshot: HASH, judgedAt: told.lineage.applied });
  return told.tell('trial.result', [BASELINE], {
    status: 'baseline', specialist: 'baseline', parent: BASELINE, hypothesis: 'the calibrated starting recipe', score: mean, scoreSource: 'evaluator', deltaVsBest: 0, judgedAgainst: BASELINE, judgedAt: told.lineage.applied - 1,
    p: null, n: scores.length, sd, why: 'calibrated', failure: null, artifactBytes: 100, phases: [], attempt: 1, node: 'atlas', slots: ['cpu0'], device: 'cpu/test', evaluatorHash: HASH, snapshot: HASH,
  });
}
