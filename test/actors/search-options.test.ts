import { expect, test } from 'vitest';
import { build, searchProposer, type Draft, type SearchOptions, type SpecialistView } from '../../src/actors/specialist/index.ts';
import { sha256 } from '../../src/actors/specialist/fingerprint.ts';
import { spaceAround } from '../../src/actors/specialist/proposers/tpe/space.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { ownerOf, PROTECTED } from '../../src/domain/partition.ts';
import { canonicalRecipe, type Recipe } from '../../src/domain/recipe.ts';
import type { Claim } from '../../src/domain/surface.ts';
import type { LineageRow } from '../../src/protocols/lineage.ts';
import { BLANK, NOISE, OBJECTIVE, syntax } from './laboratory/simulation.ts';

// Knobs that no symbol bears: the options of a script, as brigade init and nanochat divide them. Whose one is, only the statement around it says.

const RECIPE: Recipe = { 'train.py': 'import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument("--lr", type=float, default=0.1)\nparser.add_argument("--width", type=int, default=32)\nargs = parser.parse_args()\nprint(args.lr, args.width)\n' };
const option = (owner: string, name: string): Claim => ({ owner, file: 'train.py', symbol: `<module>@call:parser.add_argument("${name}")`, line: 0 });
const rest = (owner: string): Claim => ({ owner, file: 'train.py', symbol: null, line: 0 });
const CLAIMS = [rest(PROTECTED), option('optimizer', '--lr'), option('architecture', '--width')];
const LR = (value: string): string => `knob:train.py:--lr=${value}`;

const ownsUnder = (claims: readonly Claim[], specialist: string) => (file: string, symbol: string): boolean => ownerOf(claims, file, symbol) === specialist;
const optionsOf = (specialist: string, claims: readonly Claim[]): SearchOptions => ({ seed: 0, specialist, roles: [specialist], owns: ownsUnder(claims, specialist), objective: OBJECTIVE, baseline: RECIPE, library: [], lineage: true });

/** One measured trial of the optimizer's rate. */
function viewAfter(move: string, end: Partial<LineageRow>): SpecialistView {
  const built = build(RECIPE, [move], [], syntax);
  if (built.kind === 'refused') throw new Error(built.reason);
  const hash = (recipe: Recipe): string => sha256(canonicalRecipe(recipe));
  const rows: LineageRow[] = [
    { ...BLANK, trial: 't0000', specialist: 'baseline', parent: 't0000', status: 'baseline', score: 3.5, snapshot: hash(RECIPE), seq: 1 },
    { ...BLANK, trial: 't0001', specialist: 'optimizer', parent: 't0000', moves: [move], snapshot: hash(built.recipe), judgedAgainst: 't0000', seq: 2, ...end },
  ];
  const best = rows[end.status === 'keep' ? 1 : 0];
  return { asOf: 2, rows, best: { trial: best?.trial ?? '', score: best?.score ?? null, snapshot: best?.snapshot ?? '' }, noise: NOISE, feedback: '', recipeOf: async () => null };
}

/** Every proposal before it walks, when each is refused. */
async function proposals(view: SpecialistView, options: SearchOptions): Promise<Draft[]> {
  const [drafts, rows]: [Draft[], LineageRow[]] = [[], [...view.rows]];
  for (;;) {
    const thought = await searchProposer(options, { syntax, patches }).propose({ ...view, rows }, new AbortController().signal);
    if (thought.kind === 'nothing' || thought.draft.proposer.strategy === 'walk') return drafts;
    drafts.push(thought.draft);
    rows.push({ ...BLANK, trial: `t${9000 + rows.length}`, specialist: options.specialist, parent: thought.draft.parent, status: 'rejected', rejection: 'a duplicate', moves: [...thought.draft.proposer.moves] });
  }
}

test('an option that paid is pushed further by its owner, though the rest of its file is nobody\'s', async () => {
  const kept = viewAfter(LR('0.2'), { status: 'keep', score: 3.2, deltaVsBest: -0.3 });
  const pushed = (await proposals(kept, optionsOf('optimizer', CLAIMS))).filter(({ proposer }) => proposer.strategy === 'exploit(t0001)');
  expect(pushed.map(({ proposer }) => proposer.moves.at(-1)).sort()).toEqual([LR('0.25'), LR('0.3'), LR('0.4')]);
});

test('an option of another is not taken up by the owner of the rest of its file', async () => {
  const better = viewAfter(LR('0.2'), { status: 'discard', score: 3.4, deltaVsBest: -0.1 });
  const drafts = await proposals(better, optionsOf('architecture', [rest('architecture'), option('optimizer', '--lr')]));
  expect(drafts.length).toBeGreaterThan(0);
  for (const { proposer } of drafts) expect(proposer.moves.join(' '), proposer.strategy).not.toContain('--lr');
});

test('a sampler\'s space has its author\'s options where the best turned them, and the baseline where they were', () => {
  const built = build(RECIPE, [LR('0.2')], [], syntax);
  const recipe = built.kind === 'built' ? built.recipe : RECIPE;
  const space = spaceAround([LR('0.2')], { recipe, build: (moves) => build(RECIPE, moves, [], syntax) }, { edits: [], library: [], owns: ownsUnder(CLAIMS, 'optimizer') }, syntax);
  expect([space.locate([]), space.locate([LR('0.2')])]).toEqual([{ 'knob:train.py:--lr': 0 }, { 'knob:train.py:--lr': 2 }]);
  expect(space.parameters).toEqual([expect.objectContaining({ name: 'knob:train.py:--lr', low: 0, high: 4 })]);
});
