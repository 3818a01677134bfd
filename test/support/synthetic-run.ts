import { createHash } from 'node:crypto';
import { createTwoFilesPatch } from 'diff';
import type { BodyOf, Fact, FactBody, IdsOf, Word } from '../../src/domain/fact.ts';
import { BASELINE, trialId, type BlobHash } from '../../src/domain/ids.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import type { Failure, Measurement } from '../../src/domain/measurement.ts';
import { NO_LIMITS } from '../../src/domain/budget.ts';
import { sample } from '../../src/domain/noise.ts';
import { canonicalRecipe, type Recipe } from '../../src/domain/recipe.ts';
import { weigh, weighClaim } from '../../src/actors/trial/index.ts';
import type { Wanted } from '../../src/domain/need.ts';

/** A made-up run with every kind of ending, the same at every call: what reports and views are tried on. */
export interface SyntheticRun {
  readonly run: string;
  readonly facts: Fact[];
  readonly lineage: Lineage;
  readonly blobs: { get(hash: BlobHash): Promise<Uint8Array | null> };
  readonly baseline: Recipe;
  readonly recipes: ReadonlyMap<string, Recipe>;
}

const ROSTER = ['optimizer', 'architecture', 'data', 'kernel'] as const;
const FILES: Readonly<Record<string, string>> = { optimizer: 'optimizer.py', architecture: 'model.py', data: 'data.py', kernel: 'kernel.py' };
const IDEAS: Readonly<Record<string, readonly string[]>> = {
  optimizer: ['Muon for matrices, AdamW for the rest', 'cosine schedule with a short warm-up', 'linear decay to zero instead of cosine', 'weight decay on matrices only', 'clip the gradient norm at 0.5', 'Nesterov momentum 0.95', 'a larger learning rate for embeddings'],
  architecture: ['MLP 2× wide, rest into depth', 'tie input and output embeddings', 'RMSNorm in place of LayerNorm', 'SwiGLU in the MLP', 'rotary positions', 'MLP 4× wide', 'gate the residual by a learned scalar'],
  data: ['shuffle documents every epoch', 'short sequences first, long ones later', 'sample documents by length', 'drop near-duplicate lines', 'pack documents without padding'],
  kernel: ['bfloat16 in the matrix products', 'fuse the cross entropy', 'larger batches, accumulated', 'channels last', 'compile the training step'],
};

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Makes a run of `count` proposals; `hypotheses` replaces the first made-up ones. */
export function syntheticRun(count = 40, hypotheses: readonly string[] = []): SyntheticRun {
  const run = 'golf-mini-1121a';
  const lineage = emptyLineage();
  const facts: Fact[] = [];
  const stored = new Map<string, Uint8Array>();
  const recipes = new Map<string, Recipe>();
  let now = Date.UTC(2026, 10, 21, 4, 0, 0);
  const random = generator(7);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const put = (text: string): string => { const hash = hashOf(text); stored.set(hash, new TextEncoder().encode(text)); return hash; };
  const say = <W extends Word>(word: W, ids: IdsOf<W>, body: BodyOf<W>): void => {
    const fact = { word, ids, body, seq: facts.length + 1, at: Math.round(now) } as FactBody & { seq: number; at: number };
    facts.push(fact);
    grow(lineage, fact, run, () => true);
  };

  const baseline: Recipe = {
    'recipe.py': '"""Trains a byte model inside a budget."""\nfrom model import Model\n\n\ndef train(budget, train_bytes, seed):\n    return b""\n',
    'model.py': 'WIDTH = 64\nDEPTH = 2\n\n\nclass MLP:\n    EXPAND = 1\n\n    def forward(self, x):\n        return x\n',
    'optimizer.py': 'RATE = 0.001\n\n\ndef make_optimizer(parameters):\n    return "sgd"\n',
    'data.py': 'LENGTH = 128\n\n\ndef batches(text):\n    yield text\n',
    'kernel.py': 'BATCH = 16\n\n\ndef loss(logits, targets):\n    return 0\n',
  };
  const snapshot = put(canonicalRecipe(baseline));
  recipes.set(BASELINE, baseline);
  const objective = { metric: 'val_bpb', unit: 'bpb', direction: 'minimize', range: [0, 16] } as const;
  const limits = { ...NO_LIMITS, trials: count, wallSeconds: 1200 };
  say('run.started', [], {
    surface: 'golf-mini', surfaceHash: hashOf('surface'), evaluator: 'golf-mini', evaluatorHash: hashOf('evaluator'), objective, snapshot, roster: [...ROSTER],
    arm: { kind: 'specialists', agents: 4, ownership: 'enforced', lineage: true }, proposer: 'search', seed: 0, keep: { kind: 'confirmed', alpha: 0.01, replicates: 5 },
    limits, calibrationReplicates: 5, slotsPerReplicate: 1, leaseTtlMs: 10_000, brigade: '0.1.0',
  });
  say('node.enrolled', ['atlas', 'b1'], {
    publicKey: 'key', slots: ['cpu0', 'cpu1'].map((slot) => ({ slot, kind: 'cpu' as const, memoryBytes: 2e9 })), device: 'cpu/epyc', evaluatorHash: hashOf('evaluator'), environmentHash: hashOf('environment'), sandbox: 'bubblewrap',
    canaries: [{ name: 'good', expect: 'scores', ended: 'scores', score: 2.61 }, { name: 'forger', expect: 'tampered', ended: 'tampered', score: null }],
  });
  const proposal = (specialist: string, parent: string, hypothesis: string, expectedDelta: number, patch: string, strategy: string) => ({
    specialist, parent, asOf: facts.length, hypothesis, expectedDelta, patch, parts: [], tokens: 0, money: 0,
    proposer: { kind: 'search' as const, strategy, moves: [`edit:${specialist}/${hashOf(hypothesis).slice(0, 6)}`] },
  });
  const free = { cpu0: now, cpu1: now };
  const measure = (trial: string, replicate: string, purpose: 'search' | 'confirm' | 'final', hash: string, score: number | null, failure: Failure | null, seconds: number): Measurement => {
    const slot = free.cpu0 <= free.cpu1 ? 'cpu0' : 'cpu1';
    const log = put(`step 100 loss 3.1\nstep 200 loss 2.4\n${failure ? describe(failure) : `done in ${seconds.toFixed(1)} s`}\n`);
    const measurement: Measurement = {
      score, scoreSource: 'evaluator', failure, metrics: {}, artifactBytes: failure?.kind === 'preflight_crash' ? null : failure?.kind === 'size_blocked' ? failure.bytes : 60_000 + Math.round(random() * 19_000),
      phases: failure?.kind === 'preflight_crash' ? [] : [{ name: 'train', seconds: Math.min(10, seconds), wallSeconds: Math.min(10.4, seconds), censored: false }, { name: 'eval', seconds: 0.4, wallSeconds: 0.5, censored: false }],
      gates: [], seed: Math.round(random() * 1e6), device: 'cpu/epyc', evaluatorHash: hashOf('evaluator'), environmentHash: hashOf('environment'), sandbox: 'bubblewrap', log,
    };
    const from = Math.max(free[slot] + 20, now - 6000);
    now = from;
    say('lease.granted', [trial, replicate, '1'], { trial, replicate, attempt: 1, node: 'atlas', slots: [slot], purpose, snapshot: hash, ttlMs: 10_000 });
    free[slot] = from + seconds * 1000;
    now = free[slot];
    say('trial.measured', [trial, replicate, '1', 'atlas'], { measurement, signature: 'signed', heldMs: Math.round(seconds * 1000) });
    return measurement;
  };
  /** Measures what the judge wants until it has heard enough, then says what it said. */
  const decide = (trial: string, scoreOf: (wanted: Wanted) => { readonly score: number | null; readonly failure: Failure | null; readonly seconds: number }): void => {
    for (;;) {
      const row = lineage.trials.get(trial);
      const need = row && weigh(lineage, row);
      if (!need) throw new Error(`${trial} was not admitted`);
      if (need.kind === 'end') {
        if (need.newBest !== null) say('run.best', [String(need.newBest)], { trial, score: need.result.score, snapshot: need.result.snapshot, judgedAt: need.result.judgedAt });
        say('trial.result', [trial], need.result);
        return;
      }
      for (const wanted of need.wanted) {
        const { score, failure, seconds } = scoreOf(wanted);
        measure(wanted.trial, wanted.replicate, wanted.purpose, lineage.trials.get(wanted.trial)?.snapshot ?? snapshot, score, failure, seconds);
      }
    }
  };

  say('trial.admitted', [BASELINE], { proposal: proposal('baseline', BASELINE, 'the calibrated starting recipe', 0, '', 'baseline'), snapshot, feedback: null, clientId: 'c0' });
  const truth = new Map<string, number>([[BASELINE, 2.5371]]);
  const sd = 0.012;
  const calibration = Array.from({ length: 5 }, (_, i) => measure(BASELINE, `s${i + 1}`, 'search', snapshot, 2.5371 + sd * normal(), null, 11));
  const calibrated = sample(calibration.map((m) => m.score ?? 0));
  say('run.calibrated', [], { reusedFrom: null, device: 'cpu/epyc', evaluatorHash: hashOf('evaluator'), environmentHash: hashOf('environment'), mean: calibrated.mean, sd: calibrated.sd, measurements: calibration });
  decide(BASELINE, () => { throw new Error('the baseline was calibrated already'); });

  for (let n = 1; n <= count; n++) {
    const trial = trialId(n);
    const specialist = ROSTER[(n - 1) % 4] ?? 'optimizer';
    const head = lineage.bests.at(-1)?.trial ?? BASELINE;
    const ended = [...lineage.trials.values()].filter((row) => row.snapshot !== null && row.result !== null);
    const parent = random() < 0.78 ? head : ended[Math.floor(random() * ended.length)]?.trial ?? head;
    const ideas = IDEAS[specialist] ?? [];
    const hypothesis = hypotheses[n - 1] ?? `${ideas[Math.floor(n / 4) % ideas.length] ?? ''}${n > 24 ? `, again at ${(0.5 + random()).toFixed(2)}×` : ''}`;
    const before = recipes.get(parent) ?? baseline;
    const file = FILES[specialist] ?? 'model.py';
    const old = before[file] ?? '';
    const edited = old.replace(/^(\w+) = .*$/m, (_, name: string) => `${name} = ${(random() * 100).toFixed(3)}  # ${hypothesis.replace(/[\t\n]/g, ' ').slice(0, 40)}`);
    const after: Recipe = { ...before, [file]: edited };
    const expected = -Math.round(random() * 500) / 10_000 - 0.002;
    const patch = createTwoFilesPatch(`a/${file}`, `b/${file}`, old, edited, '', '').replace(/^=+\n/, '');
    const asked = proposal(specialist, parent, hypothesis, expected, patch, parent === head ? 'exploit' : `repair(${parent})`);
    now += 200;
    if (n % 13 === 4) {
      say('trial.rejected', [trial], { proposal: asked, rejection: { rule: 'ownership', file: 'model.py', symbol: 'Block.forward', owner: 'architecture', message: 'Block.forward is owned by architecture' }, clientId: `c${n}` });
      continue;
    }
    const hash = put(canonicalRecipe(after));
    recipes.set(trial, after);
    say('trial.admitted', [trial], { proposal: asked, snapshot: hash, feedback: put(`best ${head}\nown recent trials: none yet\n`), clientId: `c${n}` });
    const failure = failureOf(n, random);
    const gained = n === 1 ? 0.31 : random() < 0.3 ? 0.025 + 0.04 * random() : -0.03 * random();
    truth.set(trial, (truth.get(parent) ?? 2.5) - (failure ? 0.01 : gained));
    decide(trial, (wanted) => {
      const score = (truth.get(wanted.trial) ?? 2.5) + sd * normal();
      if (!failure || wanted.trial !== trial) return { score, failure: null, seconds: 11 + random() };
      return { score: failure.kind === 'size_blocked' || failure.kind === 'disqualified' ? score : null, failure, seconds: failure.kind === 'preflight_crash' ? 1.5 : 9 + random() * 4 };
    });
  }
  const last = lineage.bests.at(-1);
  if (last && last.trial !== BASELINE) {
    say('run.stopping', ['0'], { reason: `trial limit of ${count} reached`, mode: 'complete' });
    for (let i = 1; i <= 5; i++) { measure(last.trial, `f${i}`, 'final', last.snapshot, (truth.get(last.trial) ?? 2) + sd * normal(), null, 11); measure(BASELINE, `f${i}`, 'final', snapshot, 2.5371 + sd * normal(), null, 11); }
    const due = weighClaim(lineage);
    if (due?.kind !== 'claim') throw new Error('five final replicates of the best and of the baseline make a claim');
    say('run.claimed', ['1'], due.claim);
    say('run.stopped', ['0'], { reason: `trial limit of ${count} reached`, wallSeconds: (now - Date.UTC(2026, 10, 21, 4, 0, 0)) / 1000 });
  }
  return { run, facts, lineage, baseline, recipes, blobs: { get: async (hash) => stored.get(hash) ?? null } };
}

function failureOf(n: number, random: () => number): Failure | null {
  switch (n % 11) {
    case 2: return { kind: 'size_blocked', bytes: 80_000 + Math.round(random() * 30_000), cap: 80_000, projected: n % 2 === 0 };
    case 6: return { kind: 'preflight_crash', phase: 'smoke', exception: "Traceback (most recent call last):\nRuntimeError: mat1 and mat2 shapes cannot be multiplied (16x64 and 128x64)", frame: 'model.py:8 in MLP.forward' };
    case 9: return n % 2 === 0 ? { kind: 'train_budget_overrun', phase: 'train', seconds: 10.9, budget: 10, censored: true } : { kind: 'crash', phase: 'train', exception: 'OutOfMemoryError: 2.1 GB of 2 GB', frame: 'kernel.py:4 in loss' };
    default: return n === 29 ? { kind: 'tampered', what: 'a protected file changed', where: 'recipe.py' } : n === 35 ? { kind: 'disqualified', gate: 'audit', value: 0.00112, limit: 0.001, deficit: 0.00012 } : null;
  }
}

const describe = (failure: Failure): string => ('exception' in failure ? failure.exception : failure.kind);

/** A small seeded generator, so that the run is the same everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}


