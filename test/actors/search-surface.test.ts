import { join } from 'node:path';
import { expect, test } from 'vitest';
import { build, openProposer } from '../../src/actors/specialist/index.ts';
import { chance } from '../../src/actors/specialist/proposers/moves/chance.ts';
import { sha256 } from '../../src/actors/specialist/fingerprint.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { openSyntax } from '../../src/adapters/python/index.ts';
import { listSurfaces, loadSurface, SurfaceNotSetUp } from '../../src/adapters/surfaces/index.ts';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';
import { admissionOf } from '../../src/cli/admission.ts';
import { loadLibrary } from '../../src/cli/library.ts';
import { ownerOf } from '../../src/domain/partition.ts';
import { canonicalRecipe, type Recipe } from '../../src/domain/recipe.ts';
import type { LineageRow } from '../../src/protocols/lineage.ts';
import { BLANK, OBJECTIVE } from './laboratory/simulation.ts';

const root = process.cwd();

const surfaces: string[] = [];
for (const name of await listSurfaces(root)) {
  const why = await loadSurface(root, name).then(() => null, (error: unknown) => { if (error instanceof SurfaceNotSetUp) return error.message; throw error; });
  if (why === null) surfaces.push(name);
  else process.stderr.write(`the search is not tried on it: ${why}\n`);
}

test.each([...surfaces.map((name) => ['search', name] as const), ['random', 'tiny'] as const])('whatever %s proposes on %s passes every free check, whatever the results', async (kind, name) => {
  await using syntax = await openSyntax({ python: (await findToolchain(root)).python });
  const surface = await loadSurface(root, name, syntax);
  const library = await loadLibrary(join(surface.dir), syntax);
  const admit = admissionOf(surface, { syntax, patches });
  const luck = chance(`luck of ${name}`);
  const recipes = new Map<string, Recipe>();
  const chains = new Map<string, { trial: string; patch: string; authors: string[] }[]>([['t0000', []]]);
  const store = (recipe: Recipe): string => { const hash = sha256(canonicalRecipe(recipe)); recipes.set(hash, recipe); return hash; };
  const rows: LineageRow[] = [{ ...BLANK, trial: 't0000', parent: 't0000', specialist: 'baseline', status: 'baseline', score: 2.5, snapshot: store(surface.recipe), artifactBytes: 60_000, seq: 1 }];
  let best = rows[0] as LineageRow;
  const roster = surface.roster.map((brief) => brief.specialist);
  const proposers = roster.map((specialist) => openProposer(kind, {
    seed: 5, specialist, roles: [specialist], owns: (file, symbol) => ownerOf(surface.claims, file, symbol) === specialist, objective: OBJECTIVE, baseline: surface.recipe, library, lineage: true,
  }, { syntax, patches, sampler: null }));
  const refused: string[] = [];
  const rounds = surface.checkout === null ? 80 : 20; // a script of others is a thousand lines, read again for every proposal
  for (let i = 0; i < rounds; i++) {
    const specialist = roster[i % roster.length] ?? '';
    const thought = await proposers[i % roster.length]?.propose({ asOf: i + 1, rows, best: { trial: best.trial, score: best.score, snapshot: best.snapshot ?? '' }, noise: 0.02, feedback: '', recipeOf: async (hash) => recipes.get(hash) ?? null }, new AbortController().signal);
    if (thought?.kind !== 'proposal') continue;
    const { draft } = thought;
    const trial = `t${String(rows.length).padStart(4, '0')}`;
    const authors = [specialist, ...draft.parts.flatMap((part) => rows.filter((row) => row.trial === part).map((row) => row.specialist))];
    const judged = await admit({
      specialist, patch: draft.patch, parent: recipes.get(best.snapshot ?? '') ?? {}, ownership: 'enforced', authors, parts: draft.parts.map((part) => recipes.get(rows.find((row) => row.trial === part)?.snapshot ?? '') ?? {}), partAuthors: draft.parts.map((part) => rows.filter((row) => row.trial === part).map((row) => row.specialist)), chain: chains.get(draft.parent) ?? [], baseline: surface.recipe,
      known: async (recipe) => rows.find((row) => row.snapshot === sha256(canonicalRecipe(recipe)))?.trial ?? null,
    });
    if (judged.kind === 'rejected') { refused.push(`${draft.proposer.moves.join(' ')}: ${judged.rejection.message}`); continue; }
    const rebuilt = build(surface.recipe, draft.proposer.moves, library, syntax);
    expect(rebuilt.kind === 'built' ? rebuilt.recipe : rebuilt.reason).toEqual(judged.recipe);
    chains.set(trial, [...(chains.get(draft.parent) ?? []), { trial, patch: draft.patch, authors }]);
    const drawn = luck.next();
    const score = (best.score ?? 0) + (luck.next() - 0.5) * 0.1;
    const status = drawn < 0.15 ? 'size_blocked' : drawn < 0.2 ? 'crash' : drawn < 0.25 ? 'train_budget_overrun' : score < (best.score ?? 0) - 0.03 ? 'keep' : 'discard';
    const failure = status === 'size_blocked' ? { kind: status, bytes: 90_000, cap: 80_000, projected: true } as const : status === 'train_budget_overrun' ? { kind: status, phase: 'train', seconds: 12, budget: 10, censored: true } as const : null;
    rows.push({
      ...BLANK, trial, specialist, parent: draft.parent, hypothesis: draft.hypothesis, strategy: draft.proposer.strategy, moves: [...draft.proposer.moves], parts: [...draft.parts], snapshot: store(judged.recipe), seq: i + 2,
      status, failure, artifactBytes: 60_000, ...(status === 'keep' || status === 'discard' ? { score, deltaVsBest: score - (best.score ?? 0), judgedAgainst: best.trial } : {}),
    });
    if (status === 'keep') best = rows.at(-1) as LineageRow;
  }
  expect(refused).toEqual([]);
  expect(rows.length).toBeGreaterThan(rounds / 2);
  if (surface.checkout === null) expect(best.trial).not.toBe('t0000');
});
