import type { Fact, RunClaimed } from '../../domain/fact.ts';
import { BASELINE, type NodeId, type RunId, type TrialId } from '../../domain/ids.ts';
import type { Lineage, TrialRow, Verify } from '../../domain/lineage.ts';
import type { Need, Wanted } from '../../domain/need.ts';
import type { Journal, Ports } from '../../ports.ts';
import { Pulse } from '../../protocols/actor.ts';
import { PrepareRecipe } from '../../protocols/measurement.ts';
import { openBaseline, type Calibrations } from './calibration.ts';
import { ahead, isFit, lapses, leasesOf, needless, reasonToStop, spentBy, stageOf, strandedBy, strangers, tooSmall, unlike, wishOf, type Stage } from './decide.ts';
import { openDesk } from './desk.ts';
import { openDrafts } from './drafts.ts';
import { openJudge, type Admit } from './judge.ts';
import { lineageAt, type Keeper } from './keeper.ts';
import type { Pool } from './pool.ts';
import { openSessions } from './sessions.ts';
import { mayHeal, starved } from './starved.ts';
import { inOffice, type Term } from './term.ts';

// A broker in office: ask the fold what is due, say it, wait for it to come back, ask again.
//
//   E1. What is due is derived from the fold after every fact; saying it twice is refused by the server, so a crash between two lines costs nothing.
//   E2. Nothing is leased before the whole journal was folded: whoever has a term has folded it to there.
//   E3. A best without its result is a broker that died between the two: the result is judged again where the best was, and said. Its words may come late,
//       when another was about to say the same and finds them said: so this is looked for in every round.
//   E4. A busy node is told what comes next once for each replicate; nothing is made of its answer.

/** What becomes of a trial, from the trial actor. */
export interface Trials {
  readonly weigh: (lineage: Lineage, row: TrialRow) => Need;
  readonly weighClaim: (lineage: Lineage) => { readonly kind: 'measure'; readonly wanted: readonly Wanted[] } | { readonly kind: 'claim'; readonly claim: RunClaimed } | null;
  readonly open: (journal: Journal, trial: TrialId, onFailure: (error: unknown) => void) => { weighed(need: Need, leased: number): void; ended(): void; isSaying(): boolean };
}

export interface BrokerNeeds { readonly admit: Admit; readonly trials: Trials; readonly calibrations: Calibrations; readonly verify: Verify }

/** A node that says nothing to it for so long lays nothing out. */
const TELL_MS = 2_000;

/** One term of a broker: it serves its run until disposed, or until its term is over. */
export interface Office extends AsyncDisposable {
  /** Rejects when it cannot go on. */
  readonly done: Promise<void>;
  /** Hears of a fact that was folded. */
  onFact(fact: Fact): void;
  /** What it is doing, and what it waits for. */
  describe(state: string): { state: string; why: string; context: Record<string, string | number | boolean | null> };
}

/** Opens the office of whoever has just taken a term. */
export function openOffice(outside: Ports, needs: BrokerNeeds, keeper: Keeper, { run, term, pool, onStage, signal }: { readonly run: RunId; readonly term: Term; readonly pool: Pool; readonly onStage: (stage: Stage) => void; readonly signal: AbortSignal }): Office {
  const ports: Ports = { ...outside, bus: inOffice(outside.bus, term) };
  const { journal, bus, clock, presence } = ports;
  const { lineage } = keeper;
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);

  const seenMs = new Map<string, number>();
  const renewedMs = new Map<string, number>();
  const trials = new Map<TrialId, ReturnType<Trials['open']>>();
  /** Bests whose results were said for whoever said them the best. */
  const mended = new Set<TrialId>();
  const baseline = openBaseline(ports, needs.calibrations, keeper, run);
  /** Starts of nodes that were said to measure differently. */
  const refused = new Set<string>();
  let superseded = lineage.superseded;
  let newestSeenMs = clock.now();
  let proposedMs = clock.now();
  let ableMs = clock.now();
  let changed = wakeUp();
  /** What comes next, by the nodes that were told. */
  let told: ReadonlySet<string> = new Set();
  const seat = pool.join(() => changed.ring());

  /** Nodes that finish what they hold: a lease they were granted would lapse, and be an attempt lost. */
  const leaving = new Set<NodeId>();
  const isAlive = (node: NodeId): boolean => clock.now() - (seenMs.get(node) ?? -Infinity) <= (lineage.started?.leaseTtlMs ?? 0);
  const onFact = (fact: Fact): void => {
    newestSeenMs = clock.now();
    if (fact.word === 'node.enrolled') seenMs.set(fact.ids[0], clock.now());
    if (fact.word === 'lease.granted') renewedMs.set(`${fact.ids[0]}.${fact.ids[1]}`, clock.now()); // B2
    if (fact.word === 'trial.result') { trials.get(fact.ids[0])?.ended(); trials.delete(fact.ids[0]); }
    if (fact.word === 'trial.measured' && lineage.superseded > superseded) tellSuperseded(fact);
    superseded = lineage.superseded;
    changed.ring();
  };
  const tellSuperseded = ({ ids: [trial, replicate, attempt, node], body: { measurement, signature } }: Extract<Fact, { word: 'trial.measured' }>): void => {
    const key = lineage.nodes.get(node)?.publicKey;
    const isSigned = key !== undefined && needs.verify(key, { run, trial, replicate, attempt: Number(attempt), node, measurement }, signature);
    presence.log('warn', isSigned ? 'a measurement came after its lease was over and does not count'
      : 'a measurement does not count, for it is not signed with the newest key of its node: two evaluators must not bear one name, so give each its own --node', { trial, replicate, attempt, node });
  };
  const listening = bus.listen(Pulse, { run, actor: 'evaluator' }, ({ state }, ids) => {
    seenMs.set(ids.name, clock.now());
    if (state === 'draining' || state === 'stopped') leaving.add(ids.name); else leaving.delete(ids.name);
    if (state === 'calibrating') ableMs = clock.now(); // its canaries may take long, and it may be the one that is waited for
  });
  const thinking = bus.listen(Pulse, { run, actor: 'specialist' }, ({ state }) => {
    if (state === 'proposing' || state === 'submitting') proposedMs = clock.now(); // whoever thinks for long has not run dry
  });
  const judge = openJudge(ports, keeper, needs.admit);
  const sessions = openSessions(ports, keeper, judge, { run, onThought: () => { proposedMs = clock.now(); } });
  const drafts = openDrafts(ports, keeper, judge, { run });
  const desk = openDesk(ports, keeper, judge, {
    run, onProposal: () => { proposedMs = clock.now(); },
    onRenewal: (key, node) => { renewedMs.set(key, clock.now()); seenMs.set(node, clock.now()); },
  });

  /** One round: say everything that is due now, and wait until all of it came back. Answers whether anything was said. */
  async function round(): Promise<boolean> {
    if (!await term.holds()) return false;
    const stage = stageOf(lineage, lineage.open.size);
    onStage(stage);
    if (stage === 'waiting' || stage === 'stopped') { seat.ask(wishOf(lineage, [], isAlive)); return false; }
    const said: Promise<unknown>[] = [];
    for (const [node, enrolled] of lineage.nodes) {
      const differs = unlike(lineage, enrolled);
      const why = differs ?? tooSmall(lineage, enrolled);
      if (why === null || refused.has(`${node}.${enrolled.boot}`)) continue;
      refused.add(`${node}.${enrolled.boot}`);
      presence.log('warn', differs === null ? 'a node is too small and gets no lease' : 'a node measures differently and gets no lease', { node, why }); // B3
    }
    if (!lineage.trials.has(BASELINE)) said.push(baseline.admit());
    for (const { lease, reason } of lapses(lineage, (key) => clock.now() - (renewedMs.get(key) ?? clock.now()))) {
      said.push(keeper.say('lease.lapsed', [lease.trial, lease.replicate, String(lease.attempt)], { reason }));
    }
    for (const [joint, trial] of lineage.sessions.unanswered) said.push(keeper.say('joint.answered', [joint], { by: lineage.sessions.joints.get(joint)?.offered.to ?? '', answer: 'accepted', reason: '', trial }));
    said.push(...drafts.answerOverdue());
    const wanted: Wanted[] = [];
    const root = lineage.trials.get(BASELINE);
    let isDeciding = false;
    for (const id of lineage.open) {
      const row = lineage.trials.get(id);
      if (!row) continue;
      const need = needs.trials.weigh(lineage, row);
      isDeciding ||= need.kind === 'end';
      if (need.kind === 'measure') wanted.push(...need.wanted);
      else if (id === BASELINE && !lineage.calibration && isMeasured(row)) { said.push(baseline.calibrate(row)); continue; } // one that nobody could measure ends the run
      const trial = trials.get(id) ?? needs.trials.open(journal, id, (error) => { if (term.isHeld()) presence.log('error', 'a result could not be said', { trial: id, error: String(error) }); });
      trials.set(id, trial);
      trial.weighed(need, [...lineage.leases.values()].filter((lease) => lease.trial === id).length);
      isDeciding ||= trial.isSaying(); // between a best and its result it is weighed otherwise
    }
    const claim = stage === 'claiming' ? needs.trials.weighClaim(lineage) : null;
    if (claim?.kind === 'measure') wanted.push(...claim.wanted);
    for (const { lease, reason } of needless(lineage, wanted)) said.push(keeper.say('lease.lapsed', [lease.trial, lease.replicate, String(lease.attempt)], { reason })); // B5
    if (claim?.kind === 'claim') said.push(keeper.say('run.claimed', [String(lineage.claims + 1)], claim.claim));
    const mayLease = stage === 'calibrating' || stage === 'running' || stage === 'claiming' || (stage === 'finishing' && lineage.stopMode === 'complete');
    const wish = wishOf(lineage, mayLease && (root || lineage.calibration) ? wanted : [], (node) => (lineage.calibration !== null || baseline.wasLookedFor(node)) && isAlive(node) && !leaving.has(node));
    const granted = seat.ask(wish);
    for (const lease of leasesOf(lineage, wanted, granted)) said.push(keeper.say('lease.granted', [lease.trial, lease.replicate, String(lease.attempt)], lease));
    if (granted.length === 0) tellAhead(wish.waiting.map(({ key }) => key), wanted);
    const spent = spentBy(lineage, clock.now() - newestSeenMs, wanted.length);
    const newest = lineage.newestAt + clock.now() - newestSeenMs;
    const quietMs = lineage.open.size > 0 || lineage.paused || mayHeal(lineage, newest) ? 0 : clock.now() - Math.max(proposedMs, newestSeenMs);
    const isAble = [...lineage.nodes].some(([node, enrolled]) => isAlive(node) && isFit(lineage, enrolled));
    if (isAble || wanted.length === 0 || lineage.paused) ableMs = clock.now();
    const reason = strandedBy(lineage, (clock.now() - ableMs) / 1000, isAlive) ?? reasonToStop(lineage, spent, quietMs / 1000) ?? starved(lineage, sessions.refused, newest); // B3
    if (reason) said.push(keeper.say('run.stopping', [String(lineage.stoppings + 1)], reason));
    const over = lineage.stopMode === 'now' || (lineage.stopMode === 'finish' && lineage.leases.size === 0 && !isDeciding) || (stage === 'claiming' && claim === null && lineage.leases.size === 0);
    const why = lineage.stopping;
    if (over && why !== null) said.push(sessions.windUp().then(() => keeper.say('run.stopped', [String(lineage.stops + 1)], { reason: why, wallSeconds: Math.round(spent.wallSeconds * 1000) / 1000 })));
    await Promise.all(said);
    return said.length > 0;
  }

  function tellAhead(waiting: readonly string[], wanted: readonly Wanted[]): void { // E4
    const next = ahead(lineage, waiting, wanted).map((each) => ({ ...each, id: `${each.node} ${each.key}` }));
    for (const { id, node, snapshot, purpose } of next) {
      if (!told.has(id)) void bus.ask(PrepareRecipe, { run, node }, { snapshot, purpose }, { timeoutMs: TELL_MS, signal: ended }).catch(() => undefined);
    }
    told = new Set(next.map(({ id }) => id));
  }

  async function mendBests(): Promise<void> { // E3
    for (const head of lineage.bests) {
      const row = lineage.trials.get(head.trial);
      if (!row || row.result || mended.has(head.trial) || trials.get(head.trial)?.isSaying()) continue;
      mended.add(head.trial);
      const then = await lineageAt(run, journal, needs.verify, head.judgedAt);
      const rowThen = then.trials.get(head.trial);
      const need = rowThen && needs.trials.weigh(then, rowThen);
      if (need?.kind === 'end') await keeper.say('trial.result', [head.trial], need.result);
    }
  }

  async function work(): Promise<void> {
    for (const key of lineage.leases.keys()) renewedMs.set(key, clock.now()); // B2
    for (const node of lineage.nodes.keys()) seenMs.set(node, clock.now());
    newestSeenMs = proposedMs = ableMs = clock.now();
    while (!ended.aborted) {
      changed = wakeUp();
      await mendBests();
      await baseline.reuse();
      if (await round()) continue;
      const rung = new AbortController(); // a timer that outlived its round would pile up, one a fact
      await Promise.race([changed.rung, clock.wait(Math.min(500, (lineage.started?.leaseTtlMs ?? 3000) / 6), AbortSignal.any([ended, rung.signal])).catch(() => undefined)]);
      rung.abort();
    }
  }

  const done = work().catch((error: unknown) => { if (!ended.aborted && term.isHeld()) throw error; });
  return {
    done, onFact,
    describe: (state) => describe(lineage, state, [...absent(lineage, isAlive), ...strangers(lineage, isAlive)]),
    async [Symbol.asyncDispose]() {
      stop.abort();
      seat[Symbol.dispose]();
      await Promise.all([desk, sessions, drafts, listening, thinking].map((each) => each[Symbol.asyncDispose]()));
      await done.catch(() => undefined);
    },
  };
}

const isMeasured = ({ replicates }: TrialRow): boolean => [...replicates.values()].some(({ measured }) => measured !== null);

function wakeUp(): { readonly rung: Promise<void>; ring(): void } {
  let ring = (): void => undefined;
  const rung = new Promise<void>((resolve) => { ring = resolve; });
  return { rung, ring: () => ring() };
}

/** That nobody is there who could measure what is open. */
function absent({ nodes, open, stopped }: Lineage, isAlive: (node: NodeId) => boolean): string[] {
  if (open.size === 0 || stopped !== null || [...nodes.keys()].some(isAlive)) return [];
  return [nodes.size === 0 ? 'no node has enrolled yet' : `nothing is heard of ${nodes.size === 1 ? 'its node' : `any of its ${nodes.size} nodes`}`];
}

function describe(lineage: Lineage, state: string, waits: readonly string[]) {
  const leased = lineage.leases.size;
  const why = state === 'calibrating' ? 'measuring the baseline' : state === 'running' ? `${leased} leased, ${lineage.open.size} trials open` : lineage.stopping ?? state;
  return { state, why: [why, ...waits].join('; '), context: { open: lineage.open.size, leased, applied: lineage.applied, best: lineage.bests.at(-1)?.trial ?? null } };
}
