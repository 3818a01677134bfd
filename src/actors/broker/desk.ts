import type { Rejection } from '../../domain/trial.ts';
import type { BlobHash, RunId, TrialId } from '../../domain/ids.ts';
import { trialId, trialNumber } from '../../domain/ids.ts';
import { canonicalRecipe, type Recipe } from '../../domain/recipe.ts';
import { chain, countTrials, type Lineage, type TrialRow } from '../../domain/lineage.ts';
import { reserve, type Limits } from '../../domain/budget.ts';
import type { Blobs, Ports } from '../../ports.ts';
import { LimitRun, NoteRun, PauseRun, ResumeRun, StopRun } from '../../protocols/run.ts';
import { ProposeTrial, RenewLease } from '../../protocols/trial.ts';
import { openTrialsPerAgent } from './decide.ts';
import type { Keeper } from './keeper.ts';

// Where the broker is asked: proposals, renewals, and what an operator wants.
//
//   D1. A proposal is taken under a lock, so that two with one content cannot both be admitted; the checks go before it, and once more when a twin
//       was taken meanwhile. Its reply follows its fact.
//   D2. Asked again with one client id, the desk names the same trial.
//   D3. Budget is reserved by admission: a trial over the limit is not taken, whatever is still running, nor one whose screening the slot-seconds
//       that are left cannot pay for beside what is begun. What a confirmation then takes may still pass that limit.
//   D4. A proposal is judged by a fold no older than what its author had read: the lineage may hear of a keep before the broker has folded it.

/** Every free check of a proposal; runs no recipe code. */
export type Admit = (proposal: {
  readonly specialist: string; readonly patch: string; readonly parent: Recipe; readonly authors: readonly string[];
  readonly ownership: 'enforced' | 'advisory';
  /** The recipes of the kept trials it merges. */
  readonly parts: readonly Recipe[];
  /** Who stands behind each of them. */
  readonly partAuthors?: readonly (readonly string[])[];
  /** How the parent came to be: each trial from the baseline's first child to the parent. */
  readonly chain: readonly { readonly trial: TrialId; readonly patch: string; readonly authors: readonly string[]; readonly parts?: readonly Recipe[]; readonly partAuthors?: readonly (readonly string[])[] }[];
  readonly baseline: Recipe;
  readonly known: (recipe: Recipe) => Promise<TrialId | null>;
}) => Promise<{ readonly kind: 'admitted'; readonly recipe: Recipe } | { readonly kind: 'rejected'; readonly rejection: Rejection }>;

type Asked = ReturnType<(typeof ProposeTrial)['request']['parse']>;
type Judged = { readonly kind: 'admitted'; readonly snapshot: BlobHash } | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** Serves the broker's commands until disposed. */
export function openDesk({ bus, blobs, journal }: Ports, keeper: Keeper, admit: Admit, options: { run: RunId; onProposal: () => void; onRenewal: (key: string, node: string) => void }): AsyncDisposable {
  const { lineage } = keeper;
  const lock = oneAtATime();
  const ids = { run: options.run };

  const served = [
    bus.serve(ProposeTrial, ids, async (asked) => {
      const early = withoutTrial(asked);
      if (early) return early;
      options.onProposal();
      const judged = await judge(asked.proposal); // many at once: only what follows needs the lock
      const feedback = judged.kind === 'admitted' && asked.feedback !== null ? await blobs.put(new TextEncoder().encode(asked.feedback)) : null;
      return lock(async () => { // D1
        const late = withoutTrial(asked);
        if (late) return late;
        const isTwin = judged.kind === 'admitted' && lineage.bySnapshot.has(judged.snapshot);
        return say(asked, isTwin ? await judge(asked.proposal) : judged, feedback);
      });
    }),
    bus.serve(RenewLease, ids, async ({ trial, replicate, attempt, node }) => {
      const key = `${trial}.${replicate}`;
      const isHeld = (): boolean => {
        const lease = lineage.leases.get(key);
        return lease !== undefined && lease.attempt === attempt && lease.node === node && lineage.stopped === null;
      };
      if (!isHeld()) await keeper.folded(await journal.position()); // a node may read a lease before its own broker has folded it
      if (!isHeld()) return { kind: 'lapsed' as const };
      options.onRenewal(key, node);
      return { kind: 'renewed' as const };
    }),
    bus.serve(PauseRun, ids, () => act('pause', 'paused: what is leased is finished, nothing new is leased', null)),
    bus.serve(ResumeRun, ids, () => act('resume', 'resumed', null)),
    bus.serve(NoteRun, ids, ({ note }) => act('note', note, null)),
    bus.serve(LimitRun, ids, (changes) => {
      const now = lineage.limits;
      if (!now) return { ok: false, message: 'the run has not started yet' };
      const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as Partial<Limits>;
      return act('limit', Object.entries(given).map(([name, value]) => `${name} ${value ?? 'lifted'}`).join(', '), { ...now, ...given });
    }),
    bus.serve(StopRun, ids, async (asked) => {
      if (lineage.stopped !== null) return { ok: true, message: `already stopped: ${lineage.stopped}` };
      const now = 'now' in asked && asked.now === true;
      if (lineage.stopMode === 'now' || (lineage.stopMode === 'finish' && !now)) return { ok: true, message: 'already stopping' };
      await act('stop', now ? 'now' : 'finish what is leased', null);
      await keeper.say('run.stopping', [String(lineage.stoppings + 1)], { reason: 'stopped by its operator', mode: now ? 'now' : 'finish' });
      const left = lineage.leases.size;
      return { ok: true, message: now || left === 0 ? 'stopping' : `finishing ${left} ${left === 1 ? 'replicate' : 'replicates'}` };
    }),
  ];

  /** Answers that take no number: the trial asked for before, or why none is taken now. */
  function withoutTrial({ clientId, proposal }: Asked) {
    const earlier = lineage.byClientId.get(clientId);
    if (earlier) return replyFor(lineage, earlier); // D2
    const closed = lineage.stopped ?? lineage.stopping;
    if (closed !== null) return { kind: 'closed' as const, reason: closed };
    if (lineage.bests.length === 0 || lineage.paused) return { kind: 'busy' as const };
    if (lineage.limits?.trials !== null && lineage.limits && countTrials(lineage) >= lineage.limits.trials) return { kind: 'closed' as const, reason: `trial limit of ${lineage.limits.trials} reached` }; // D3
    if (lineage.limits?.slotSeconds != null && lineage.slotSeconds + reserve(lineage, Math.max(lineage.open.size, lineage.leases.size)) > lineage.limits.slotSeconds) return { kind: 'busy' as const }; // D3
    const open = [...lineage.open].filter((trial) => lineage.trials.get(trial)?.proposal.specialist === proposal.specialist);
    return open.length >= openTrialsPerAgent(lineage, proposal.specialist) ? { kind: 'busy' as const } : null;
  }

  async function judge(proposal: Asked['proposal']): Promise<Judged> {
    if (proposal.asOf > lineage.applied) await keeper.folded(Math.min(proposal.asOf, await journal.position())); // D4
    const refuse = (message: string): Judged => ({ kind: 'rejected', rejection: { rule: 'parent', file: null, symbol: null, owner: null, message } });
    const parent = lineage.trials.get(proposal.parent);
    const parts = proposal.parts.map((part) => lineage.trials.get(part));
    if (!parent?.snapshot) return refuse(`${proposal.parent} is no trial of this run with a snapshot: name one from the feedback`);
    if (parts.some((part) => part?.result?.status !== 'keep')) return refuse('parts must be kept trials of this run');
    const recipe = await readRecipe(blobs, parent.snapshot);
    if (!recipe) return refuse(`the snapshot of ${proposal.parent} is not stored`);
    const baseline = await readRecipe(blobs, lineage.started?.snapshot ?? '');
    if (!baseline) return refuse('the snapshot of the baseline is not stored');
    const judged = await admit({
      ...await partsOf(proposal.parts), baseline, chain: await Promise.all(chain(lineage, proposal.parent).slice(1).map(async (row) => ({ trial: row.trial, patch: row.proposal.patch, authors: authorsOf(lineage, row), ...await partsOf(row.proposal.parts) }))),
      specialist: proposal.specialist, patch: proposal.patch, parent: recipe, ownership: lineage.started?.arm.ownership ?? 'enforced',
      authors: [...new Set([proposal.specialist, ...parts.flatMap((part) => (part ? authorsOf(lineage, part) : []))])],
      known: async (candidate) => lineage.bySnapshot.get(await blobs.put(bytesOf(candidate))) ?? null,
    });
    return judged.kind === 'rejected' ? judged : { kind: 'admitted', snapshot: await blobs.put(bytesOf(judged.recipe)) };
  }

  /** The recipes that a proposal merges, each with who stands behind it. */
  async function partsOf(parts: readonly TrialId[]): Promise<{ parts: Recipe[]; partAuthors: string[][] }> {
    const found = await Promise.all(parts.map(async (part) => {
      const row = lineage.trials.get(part);
      const recipe = row?.snapshot ? await readRecipe(blobs, row.snapshot) : null;
      return row && recipe ? [{ recipe, authors: authorsOf(lineage, row) }] : [];
    }));
    return { parts: found.flat().map(({ recipe }) => recipe), partAuthors: found.flat().map(({ authors }) => authors) };
  }

  async function say({ clientId, proposal }: Asked, judged: Judged, feedback: BlobHash | null) {
    if (judged.kind === 'admitted') {
      const trial = await number((id) => keeper.say('trial.admitted', [id], { proposal, snapshot: judged.snapshot, feedback, clientId }));
      return { kind: 'admitted' as const, trial };
    }
    const { rejection } = judged;
    const trial = await number((id) => keeper.say('trial.rejected', [id], { proposal, rejection, clientId }));
    if (rejection.rule === 'ownership' && rejection.owner && rejection.file) {
      await keeper.say('handoff.offered', [`h-${trial}`], { from: proposal.specialist, to: rejection.owner, file: rejection.file, symbol: rejection.symbol, hint: proposal.hypothesis, trial });
    }
    return { kind: 'rejected' as const, trial, rejection };
  }

  async function number(say: (id: TrialId) => Promise<'recorded' | 'taken'>): Promise<TrialId> {
    for (;;) {
      const id = trialId(lineage.nextNumber);
      if (await say(id) === 'recorded') return id;
    }
  }
  async function act(what: 'pause' | 'resume' | 'stop' | 'limit' | 'note', detail: string, limits: Limits | null): Promise<{ ok: boolean; message: string }> {
    while (await keeper.say('operator.acted', [String(lineage.operatorActs.length + 1)], { act: what, detail, limits }) === 'taken');
    return { ok: true, message: detail };
  }
  return { async [Symbol.asyncDispose]() { for (const one of served) await one[Symbol.asyncDispose](); } };
}

/** Who stands behind a trial: its specialist, and for a composed one the authors of its parts. */
function authorsOf(lineage: Lineage, { trial, proposal }: TrialRow): string[] {
  const earlier = proposal.parts.flatMap((part) => lineage.trials.get(part) ?? []).filter((row) => row.number < trialNumber(trial)); // a part was kept before it was merged
  return [...new Set([proposal.specialist, ...earlier.flatMap((row) => authorsOf(lineage, row))])];
}

const bytesOf = (recipe: Recipe): Uint8Array => new TextEncoder().encode(canonicalRecipe(recipe));

/** A snapshot's recipe; null when it is not stored. */
export async function readRecipe(blobs: Blobs, snapshot: string): Promise<Recipe | null> {
  const bytes = await blobs.get(snapshot);
  return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as Recipe);
}

function replyFor(lineage: Lineage, trial: TrialId) {
  const rejection = lineage.trials.get(trial)?.rejection;
  return rejection ? { kind: 'rejected' as const, trial, rejection } : { kind: 'admitted' as const, trial };
}

function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}

