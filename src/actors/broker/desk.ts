import type { BlobHash, RunId, TrialId } from '../../domain/ids.ts';
import { trialId } from '../../domain/ids.ts';
import type { Lineage } from '../../domain/lineage.ts';
import { reserve, trialsUsedUp, type Limits } from '../../domain/budget.ts';
import type { Ports } from '../../ports.ts';
import { LimitRun, NoteRun, PauseRun, ResumeRun, StopRun } from '../../protocols/run.ts';
import { ProposeTrial, RenewLease } from '../../protocols/trial.ts';
import { closedBy, openTrialsPerAgent } from './decide.ts';
import type { Judge, Judged } from './judge.ts';
import type { Keeper } from './keeper.ts';

// Where the broker is asked: proposals, renewals, and what an operator wants.
//
//   D1. A proposal is taken under a lock, so that two with one content cannot both be admitted; the checks go before it, and once more when a twin
//       was taken meanwhile. Its reply follows its fact.
//   D2. Asked again with one client id, the desk names the same trial.
//   D3. Budget is reserved by admission: a trial over the limit is not taken, whatever is still running, nor one whose screening the slot-seconds
//       that are left cannot pay for beside what is begun. What a confirmation then takes may still pass that limit.

type Asked = ReturnType<(typeof ProposeTrial)['request']['parse']>;

/** Serves the broker's commands until disposed. */
export function openDesk({ bus, blobs, journal }: Ports, keeper: Keeper, judge: Judge, options: { run: RunId; onProposal: () => void; onRenewal: (key: string, node: string) => void }): AsyncDisposable {
  const { lineage } = keeper;
  const ids = { run: options.run };

  const served = [
    bus.serve(ProposeTrial, ids, async (asked) => {
      const early = withoutTrial(asked);
      if (early) return early;
      options.onProposal();
      const judged = await judge(asked.proposal); // many at once: only what follows needs the lock
      const feedback = judged.kind === 'admitted' && asked.feedback !== null ? await blobs.put(new TextEncoder().encode(asked.feedback)) : null;
      return keeper.alone(async () => { // D1
        for (let n = lineage.nextNumber; ; n = Math.max(n + 1, lineage.nextNumber)) {
          const late = withoutTrial(asked);
          if (late) return late;
          const isStale = judged.kind === 'admitted' && (lineage.bySnapshot.has(judged.snapshot) || asked.proposal.joint !== undefined); // a draft may have been answered meanwhile
          const said = await say(asked, trialId(n), isStale ? await judge(asked.proposal) : judged, feedback);
          if (said !== 'taken') return said;
        }
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
    bus.serve(LimitRun, ids, async (changes) => {
      await keeper.upToDate(); // what was limited before stays so
      const now = lineage.limits;
      if (!now) return { ok: false, message: 'the run has not started yet' };
      const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as Partial<Limits>;
      return act('limit', Object.entries(given).map(([name, value]) => `${name} ${value ?? 'lifted'}`).join(', '), { ...now, ...given });
    }),
    bus.serve(StopRun, ids, async (asked) => {
      await keeper.upToDate();
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
    if (closed !== null) return { kind: 'closed' as const, reason: closedBy(lineage) ?? closed };
    if (lineage.bests.length === 0 || lineage.paused) return { kind: 'busy' as const };
    const full = trialsUsedUp(lineage);
    if (full !== null) return { kind: 'closed' as const, reason: full }; // D3
    if (lineage.limits?.slotSeconds != null && lineage.slotSeconds + reserve(lineage, Math.max(lineage.open.size, lineage.leases.size)) > lineage.limits.slotSeconds) return { kind: 'busy' as const }; // D3
    const open = [...lineage.open].filter((trial) => lineage.trials.get(trial)?.proposal.specialist === proposal.specialist);
    return open.length >= openTrialsPerAgent(lineage, proposal.specialist) ? { kind: 'busy' as const } : null;
  }

  /** `taken` when another broker gave the number away: what it took may be this very proposal, or may have closed the run. */
  async function say({ clientId, proposal }: Asked, trial: TrialId, judged: Judged, feedback: BlobHash | null) { // D2
    if (judged.kind === 'admitted') {
      const said = await keeper.say('trial.admitted', [trial], { proposal, snapshot: judged.snapshot, feedback, clientId });
      return said === 'taken' ? said : { kind: 'admitted' as const, trial };
    }
    const { rejection } = judged;
    if (await keeper.say('trial.rejected', [trial], { proposal, rejection, clientId }) === 'taken') return 'taken' as const;
    if (rejection.rule === 'ownership' && rejection.owner && rejection.file) {
      await keeper.say('handoff.offered', [`h-${trial}`], { from: proposal.specialist, to: rejection.owner, file: rejection.file, symbol: rejection.symbol, hint: proposal.hypothesis, trial });
    }
    return { kind: 'rejected' as const, trial, rejection };
  }

  async function act(what: 'pause' | 'resume' | 'stop' | 'limit' | 'note', detail: string, limits: Limits | null): Promise<{ ok: boolean; message: string }> {
    while (await keeper.say('operator.acted', [String(lineage.operatorActs.length + 1)], { act: what, detail, limits }) === 'taken');
    return { ok: true, message: detail };
  }
  return { async [Symbol.asyncDispose]() { await Promise.all(served.map((one) => one[Symbol.asyncDispose]())); } };
}

function replyFor(lineage: Lineage, trial: TrialId) {
  const rejection = lineage.trials.get(trial)?.rejection;
  return rejection ? { kind: 'rejected' as const, trial, rejection } : { kind: 'admitted' as const, trial };
}
