import { canonicalRecipe, type Recipe } from '../../../src/domain/recipe.ts';
import type { Objective } from '../../../src/domain/objective.ts';
import type { Syntax } from '../../../src/ports.ts';
import type { LineageRow } from '../../../src/protocols/lineage.ts';
import { openParser } from '../../../src/adapters/python/index.ts';
import { knobsOf, readEdit, type Draft, type Edit, type SearchOptions, type SpecialistView } from '../../../src/actors/specialist/index.ts';
import { chance } from '../../../src/actors/specialist/proposers/moves/chance.ts';
import { sha256 } from '../../../src/actors/specialist/fingerprint.ts';

// A surface that is measured by arithmetic: every knob has an optimum, every edit a worth, and every result its share of luck.

const parser = await openParser();
export const syntax: Syntax = { symbols: (source) => parser.symbols(source), check: async () => ({ ok: true }) };

export const ROSTER = ['optimizer', 'architecture', 'data', 'kernel'];
export const FILES: Readonly<Record<string, string>> = { optimizer: 'optimizer.py', architecture: 'model.py', data: 'data.py', kernel: 'kernel.py' };
export const BASELINE: Recipe = {
  'optimizer.py': 'RATE = 1e-3\nDECAY = 0.1\nSCHEDULE: Literal["constant", "cosine"] = "constant"\n\n\ndef rule():\n    return "adam"\n',
  'model.py': 'WIDTH = 32\nLAYERS = 2\nHEADS = 2\nTIED = False\n\n\nclass Block:\n    def forward(self, x):\n        return x\n',
  'data.py': 'BATCH = 8\nSHUFFLE = False\n\n\ndef order(x):\n    return x\n',
  'kernel.py': 'LOOPS = 4\nHALF = False\n\n\ndef step(x):\n    return x\n',
};
const edit = (specialist: string, name: string, code: string): Edit => readEdit(specialist, name, `# hypothesis: ${name} ought to help\n# file: ${FILES[specialist]}\n# source: nobody\n${code}`, syntax);
export const LIBRARY: readonly Edit[] = [
  edit('optimizer', 'muon', 'MOMENTUM = 0.9\n\n\ndef rule():\n    return "muon"\n'), edit('optimizer', 'lion', '# excludes: muon\ndef rule():\n    return "lion"\n'),
  edit('architecture', 'gated', 'EXPANSION = 8\n\n\nclass Block:\n    def forward(self, x):\n        return x * EXPANSION\n'), edit('architecture', 'normed', 'class Block:\n    def norm(self):\n        return 1\n'),
  edit('data', 'sorted', 'def order(x):\n    return sorted(x)\n'), edit('kernel', 'fused', 'def step(x):\n    return x + 0\n'), edit('kernel', 'broken', 'def helper(x):\n    return x / 0\n'),
];
export const NOISE = 0.02;
export const OBJECTIVE: Objective = { metric: 'val', unit: 'bits', direction: 'minimize', range: [0, 100] };

export const optionsFor = (specialist: string, seed = 0, lineage = true): SearchOptions => ({
  seed, specialist, roles: [specialist], owns: (file) => FILES[specialist] === file, objective: OBJECTIVE, baseline: BASELINE, library: LIBRARY, lineage,
});

/** What a recipe is really worth, or how it fails. */
export function truth(recipe: Recipe): { score: number; bytes: number; status: 'crash' | 'size_blocked' | 'train_budget_overrun' | 'disqualified' | null } {
  const knobs = new Map(knobsOf(recipe, () => true, syntax).map((knob) => [knob.name, knob.value]));
  const number = (name: string, otherwise: number): number => Number((knobs.get(name) ?? String(otherwise)).replace('_', ''));
  const has = (text: string): boolean => Object.values(recipe).some((source) => source.includes(text));
  const off = (name: string, optimum: number, weight: number, otherwise: number): number => weight * Math.log2(number(name, otherwise) / optimum) ** 2;
  const score = 3 + off('RATE', 8e-3, 0.03, 1e-3) + off('DECAY', 0.025, 0.008, 0.1) + off('WIDTH', 90, 0.03, 32) + off('LAYERS', 3, 0.05, 2) + off('BATCH', 16, 0.04, 8) + off('LOOPS', 4, 0.02, 4)
    - (has('"muon"') ? 0.15 : 0) + (has('"lion"') ? 0.05 : 0) - (has('x * EXPANSION') ? 0.06 : 0) - (has('def norm') ? 0.012 : 0) - (has('sorted(x)') ? 0.013 : 0)
    - (has('x + 0') ? 0.03 : 0) - (knobs.get('SCHEDULE') === '"cosine"' ? 0.05 : 0) - (knobs.get('SHUFFLE') === 'True' ? 0.015 : 0) + (knobs.get('TIED') === 'True' ? 0.02 : 0);
  const bytes = Math.round((number('WIDTH', 32) * number('LAYERS', 2) * (has('x * EXPANSION') ? 1 + number('EXPANSION', 8) / 8 : 1) * (knobs.get('TIED') === 'True' ? 70 : 100)));
  const status = has('x / 0') || number('WIDTH', 32) % number('HEADS', 2) !== 0 ? 'crash' : bytes > 25_000 ? 'size_blocked' : number('BATCH', 8) * number('LOOPS', 4) > 130 ? 'train_budget_overrun' : knobs.get('HALF') === 'True' ? 'disqualified' : null;
  return { score, bytes, status };
}

/** A run in which proposals are measured by `truth`, one journal position a fact. */
export class Simulation {
  readonly rows: LineageRow[] = [];
  readonly snapshots = new Map<string, Recipe>();
  seq = 0;
  #best: { trial: string; score: number | null; snapshot: string } | null = null;
  readonly #luck;

  constructor(luck: number) { this.#luck = chance(`luck ${luck}`); }

  async begin(): Promise<this> {
    const snapshot = await this.#store(BASELINE);
    const { score, bytes } = truth(BASELINE);
    this.rows.push({ ...BLANK, trial: 't0000', specialist: 'baseline', parent: 't0000', status: 'baseline', score, snapshot, artifactBytes: bytes, seq: this.#next() });
    this.#best = { trial: 't0000', score, snapshot };
    return this;
  }

  view(): SpecialistView {
    return { asOf: this.seq, rows: [...this.rows], best: this.#best, noise: NOISE, feedback: '', recipeOf: async (snapshot) => this.snapshots.get(snapshot) ?? null };
  }

  /** Takes a proposal into the queue; `recipe` is what it builds. */
  async admit(specialist: string, draft: Draft, recipe: Recipe): Promise<LineageRow> {
    const row: LineageRow = {
      ...BLANK, trial: `t${String(this.rows.length).padStart(4, '0')}`, specialist, parent: draft.parent, expectedDelta: draft.expectedDelta, hypothesis: draft.hypothesis,
      strategy: draft.proposer.strategy, moves: [...draft.proposer.moves], parts: [...draft.parts], snapshot: await this.#store(recipe), seq: this.#next(),
    };
    this.rows.push(row);
    return row;
  }

  /** Ends a trial: kept when its measurement beats the best by twice the noise. */
  end(trial: string): LineageRow {
    const at = this.rows.findIndex((row) => row.trial === trial);
    const row = this.rows[at];
    const recipe = this.snapshots.get(row?.snapshot ?? '');
    if (row === undefined || recipe === undefined || this.#best === null) throw new Error(`${trial} is no trial of this simulation`);
    const { score, bytes, status } = truth(recipe);
    const measured = Number((score + NOISE * (this.#luck.next() + this.#luck.next() + this.#luck.next() - 1.5) * 2).toFixed(4));
    const judgedAgainst = this.#best.trial;
    const deltaVsBest = measured - (this.#best.score ?? 0);
    const ended: LineageRow = status === null
      ? { ...row, status: deltaVsBest < -2 * NOISE ? 'keep' : 'discard', score: measured, deltaVsBest, judgedAgainst, artifactBytes: bytes, seq: this.#next() }
      : {
        ...row, status, judgedAgainst, artifactBytes: status === 'crash' ? null : bytes, seq: this.#next(),
        failure: status === 'size_blocked' ? { kind: status, bytes, cap: 25_000, projected: true } : status === 'crash' ? { kind: status, phase: 'train', exception: 'RuntimeError', frame: 'model.py:3' }
          : status === 'disqualified' ? { kind: status, gate: 'accuracy', value: 0.95, limit: 0.96, deficit: 0.01 } : { kind: status, phase: 'train', seconds: 14, budget: 10, censored: false },
      };
    this.rows[at] = ended;
    if (ended.status === 'keep') this.#best = { trial, score: measured, snapshot: row.snapshot ?? '' };
    return ended;
  }

  get best(): { trial: string; score: number | null; snapshot: string } {
    if (this.#best === null) throw new Error('begin the simulation first');
    return this.#best;
  }

  #next(): number { this.seq += 1; return this.seq; }

  async #store(recipe: Recipe): Promise<string> {
    const snapshot = sha256(canonicalRecipe(recipe));
    this.snapshots.set(snapshot, recipe);
    return snapshot;
  }
}

export const BLANK: LineageRow = {
  trial: '', specialist: '', parent: '', status: null, score: null, deltaVsBest: null, judgedAgainst: null, expectedDelta: 0, hypothesis: '', strategy: '', moves: [], parts: [],
  snapshot: null, failure: null, rejection: null, artifactBytes: null, seq: 0,
};
