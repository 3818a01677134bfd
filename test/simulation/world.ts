import type { Fact, Word } from '../../src/domain/fact.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import { createHash } from 'node:crypto';
import type { Lineage } from '../../src/domain/lineage.ts';
import { ProposeTrial } from '../../src/protocols/trial.ts';
import { broker, disk, evaluator, keeper, specialist, type Disk, type Started } from './cast.ts';
import { portsOf, type Witness } from './connection.ts';
import { Daemon } from './daemon.ts';
import { dice } from './dice.ts';
import { Host, type Ran } from './host.ts';
import { Network, type Traffic } from './network.ts';
import type { Fault, Plan } from './plan.ts';
import { Schedule } from './schedule.ts';
import { Server } from './server.ts';

// One world from its plan to its end.
//
//   S1. A daemon that ends is started again, as a supervisor would, until its work is done.
//   S2. After the healing nothing more goes wrong: every daemon is up, every link open.
//   S3. The world ends a while after the run has stopped, or when it has been given up.

export const RUN = 'sim-1';

/** One thing that happened, and what it was about. */
export interface Line { readonly ms: number; readonly who: string; readonly says: string; readonly about: readonly string[] }
/** What a daemon was told had been recorded, by the journal or by a broker's word. */
export interface Acknowledged { readonly to: string; readonly ms: number; readonly word: Word; readonly ids: readonly string[]; readonly text: string | null; readonly clientId: string | null; readonly seq: number | null }
/** A lease as its writer decided it: what its own fold held on the same slots then, and whether it held a measurement of that replicate. */
export interface Granted { readonly by: string; readonly ms: number; readonly key: string; readonly clash: string | null; readonly isMeasured: boolean; /** Why it was not its to lease; null when it was. */ readonly usurps: string | null }
export interface Told { readonly plan: Plan; readonly history: readonly Line[]; readonly facts: readonly Fact[]; readonly ran: readonly Ran[]; readonly acknowledged: readonly Acknowledged[]; readonly granted: readonly Granted[]; readonly folds: readonly { readonly who: string; readonly lineage: Lineage }[]; readonly stoppedMs: number | null; readonly healedMs: number; readonly endMs: number; readonly happened: number; readonly traffic: Traffic }

/** How long a run may take after the healing before it is given up. */
export const PATIENCE_MS = 600_000;
const EPILOGUE_MS = 10_000;
/** A broker compares its fold with the journal every two seconds, and no answer takes it another. */
const LONGEST_STALE_MS = 3_000;

interface Post { readonly name: string; starts: number; daemon: Daemon | null; started: Started | null; isDone: boolean; readonly open: (daemon: Daemon) => Promise<Started> }

/** Lets a plan happen. */
export async function simulate(plan: Plan): Promise<Told> {
  const { seed } = plan;
  const schedule = new Schedule();
  const network = new Network(schedule, dice('network', seed));
  network.spikes = plan.spikes;
  const server = new Server(RUN, schedule, network, dice('server', seed));
  const history: Line[] = [];
  const acknowledged: Acknowledged[] = [];
  const granted: Granted[] = [];
  const posts = new Map<string, Post>();
  const disks = new Map<string, Disk>(plan.keepers.map((name) => [name, disk()]));
  const hosts = plan.hosts.map(({ name, slots }) => Object.assign(new Host(name, slots, schedule, dice('host', seed, name)), { faults: { phase: plan.faultyPhases, clearing: plan.faultyClearing } }));
  let stoppedMs: number | null = null;
  let isHealed = false;

  const tell = (who: string, says: string, about: readonly string[] = []): void => { history.push({ ms: schedule.now, who, says, about }); };
  const lineageOf = (daemon: Daemon): Lineage | null => [...posts.values()].find((post) => post.daemon === daemon)?.started?.lineage() ?? null;
  const writing = new Map<string, { readonly daemon: Daemon; readonly key: string; readonly slots: readonly string[] }>();
  const witness: Witness = {
    writing(daemon, word, ids, body) {
      if (word !== 'lease.granted') return;
      const { node, slots, trial, replicate } = body as { node: string; slots: readonly string[]; trial: string; replicate: string };
      const key = ids.join('.');
      const places = slots.map((slot) => `${node}/${slot}`);
      const held = [...lineageOf(daemon)?.leases.values() ?? []].flatMap((lease) => lease.slots.map((slot) => ({ key: `${lease.trial}.${lease.replicate}.${lease.attempt}`, place: `${lease.node}/${slot}` })));
      const asked = [...writing.values()].flatMap((one) => (one.daemon === daemon ? one.slots.map((place) => ({ key: one.key, place })) : []));
      const heldBy = (upTo: number): { readonly id: string; readonly at: number } => {
        const newest = server.facts.findLast((fact) => fact.word === 'broker.took' && fact.seq <= upTo);
        return newest?.word === 'broker.took' ? { id: `${newest.body.name}#${newest.body.boot.slice(1)}`, at: newest.at - (server.facts[0]?.at ?? 0) } : { id: daemon.id, at: 0 };
      };
      const other = [heldBy(lineageOf(daemon)?.applied ?? 0), heldBy(Infinity)].find(({ id, at }, i) => id !== daemon.id && (i === 0 || at < schedule.now - LONGEST_STALE_MS));
      const usurps = other === undefined ? null : `${other.id} had taken the run at ${other.at}`;
      granted.push({ usurps, by: daemon.id, ms: schedule.now, key, isMeasured: lineageOf(daemon)?.trials.get(trial)?.replicates.get(replicate)?.measured != null, clash: [...held, ...asked].find((other) => other.key !== key && places.includes(other.place))?.key ?? null });
      writing.set(`${daemon.id} ${key}`, { daemon, key, slots: places });
    },
    written(daemon, ids) { writing.delete(`${daemon.id} ${ids.join('.')}`); },
    acknowledged(daemon, word, ids, text, seq) {
      acknowledged.push({ to: daemon.id, ms: schedule.now, word, ids, text, clientId: null, seq });
    },
    answered(daemon, pattern, request, reply) {
      if (pattern !== ProposeTrial.pattern) return;
      const answer = ProposeTrial.reply.parse(reply);
      if (answer.kind === 'admitted' || answer.kind === 'rejected') acknowledged.push({ to: daemon.id, ms: schedule.now, word: `trial.${answer.kind}`, ids: [answer.trial], text: null, clientId: ProposeTrial.request.parse(request).clientId, seq: null });
      tell(daemon.id, `was answered ${answer.kind}${'trial' in answer ? ` ${answer.trial}` : ''}`, 'trial' in answer ? [answer.trial] : []);
    },
    logged: (daemon, level, message, fields) => { if (level !== 'info') tell(daemon.id, `${level}: ${message} ${JSON.stringify(fields)}`); },
  };

  const open = (post: Post): void => {
    if (post.isDone || post.daemon?.isGone === false) return;
    post.starts += 1;
    const daemon = new Daemon(post.name, post.starts, schedule, dice('daemon', seed, post.name, post.starts));
    post.daemon = daemon;
    post.started = null;
    tell(daemon.id, 'starts');
    const again = (why: string): void => { // S1
      if (daemon.isGone) return;
      tell(daemon.id, `ends: ${why}`);
      daemon.end();
      schedule.at(schedule.now + 300, () => open(post));
    };
    schedule.at(schedule.now, () => {
      post.open(daemon).then((started) => {
        post.started = started;
        started.done.then(() => { if (!daemon.isGone) { post.isDone = true; tell(daemon.id, 'has done its work'); daemon.end(); } }, (error: unknown) => again(String(error)));
      }, (error: unknown) => again(String(error)));
    }, 'message', daemon);
  };
  const post = (name: string, start: Post['open']): void => { posts.set(name, { name, starts: 0, daemon: null, started: null, isDone: false, open: start }); };
  const wire = { server, network, witness };
  const wired = (daemon: Daemon) => portsOf(daemon, { ...wire, dice: dice('wire', seed, daemon.id) });
  for (const name of plan.brokers) post(name, (daemon) => broker(wired(daemon), RUN, daemon));
  for (const name of plan.keepers) post(name, (daemon) => keeper(wired(daemon), RUN, daemon, disks.get(name) ?? disk()));
  for (const host of hosts) post(`evaluator-${host.name}`, (daemon) => evaluator(wired(daemon), daemon, host, server, seed));
  for (const name of plan.specialists) post(name, (daemon) => specialist(wired(daemon), RUN, name, seed));

  // What befalls them.
  const befall = ({ what, forMs }: Fault, daemon: Daemon | null): void => {
    const found = daemon === null ? undefined : posts.get(daemon.name);
    if (isHealed || daemon === null || daemon.isGone || found === undefined) return;
    const later = (then: () => void): void => { schedule.at(schedule.now + forMs, then); };
    switch (what.kind) {
      case 'kill':
        tell(daemon.id, `is killed, and started again ${Math.round(forMs)} ms later`);
        daemon.end();
        return later(() => open(found));
      case 'pause':
        tell(daemon.id, `is paused for ${Math.round(forMs)} ms`);
        daemon.isPaused = true;
        return later(() => { if (daemon.isPaused) { tell(daemon.id, 'goes on'); schedule.resume(daemon); } });
      case 'link':
        tell(daemon.id, `is cut off for ${Math.round(forMs)} ms (to the server ${what.up}, from it ${what.down})`);
        network.link(daemon, { up: what.up, down: what.down });
        return later(() => { tell(daemon.id, 'is connected'); network.link(daemon, { up: 'open', down: 'open' }); });
      case 'storm':
        tell(daemon.id, `loses ${what.loss} and doubles ${what.twice} of its messages for ${Math.round(forMs)} ms`);
        Object.assign(daemon.storm, { loss: what.loss, twice: what.twice });
        return later(() => { Object.assign(daemon.storm, { loss: 0, twice: 0 }); });
      default: what satisfies never;
    }
  };
  const said = new Map<Word, number>();
  const whom = (fault: Fault, sayer: Daemon): Daemon | null => (fault.whom === 'sayer' ? sayer : posts.get(fault.whom)?.daemon ?? null);
  const waiting = plan.faults.filter(({ when }) => when.kind === 'on');
  server.guard = (word, by) => {
    const nth = (said.get(word) ?? 0) + 1;
    const fault = isHealed ? undefined : waiting.find(({ when }) => when.kind === 'on' && when.insteadMs !== null && when.word === word && when.nth === nth);
    if (fault?.when.kind !== 'on') return null;
    waiting.splice(waiting.indexOf(fault), 1);
    befall(fault, by);
    return fault.when.insteadMs;
  };
  server.watches.push((fact, by) => {
    tell('journal', `${fact.seq} ${fact.word} ${fact.ids.join('.')}${saidOf(fact)} (by ${by.id})`, aboutOf(fact));
    said.set(fact.word, (said.get(fact.word) ?? 0) + 1);
    if (fact.word === 'run.stopped') stoppedMs = schedule.now;
    for (const fault of waiting) if (fault.when.kind === 'on' && fault.when.insteadMs === null && fault.when.word === fact.word && fault.when.nth === said.get(fact.word)) schedule.at(schedule.now + fault.when.afterMs, () => befall(fault, whom(fault, by)));
  });
  for (const fault of plan.faults) if (fault.when.kind === 'at') schedule.at(fault.when.ms, () => befall(fault, posts.get(fault.whom)?.daemon ?? null));
  const heal = (): void => { // S2
    if (isHealed) return;
    isHealed = true;
    tell('world', 'everything is mended');
    network.spikes = 0;
    for (const host of hosts) Object.assign(host.faults, { phase: 0, clearing: 0 });
    for (const each of posts.values()) {
      const { daemon } = each;
      if (daemon === null || daemon.isGone) { schedule.at(schedule.now + 300, () => open(each)); continue; }
      Object.assign(daemon.storm, { loss: 0, twice: 0 });
      network.link(daemon, { up: 'open', down: 'open' });
      if (daemon.isPaused) schedule.resume(daemon);
    }
  };

  // From the first fact to the last.
  const baseline = new TextEncoder().encode(canonicalRecipe({ 'recipe.py': 'baseline' }));
  const snapshot = createHash('sha256').update(baseline).digest('hex');
  server.blobs.set(snapshot, baseline);
  const supervisor = new Daemon('supervisor', 1, schedule, dice('supervisor', seed));
  const started = { ...plan.started, snapshot };
  server.store('run.started', [], started, JSON.stringify(started), supervisor);
  for (const each of posts.values()) schedule.at(dice('start', seed, each.name).between(0, 200), () => open(each));
  await schedule.run(plan.healAt, () => stoppedMs !== null);
  heal();
  const healedMs = schedule.now;
  await schedule.run(healedMs + PATIENCE_MS, () => stoppedMs !== null);
  const endMs = schedule.now;
  await schedule.run(endMs + EPILOGUE_MS, () => false); // S3
  const folds = [...posts.values()].flatMap(({ daemon, started: one }) => { const lineage = one?.lineage() ?? null; return daemon?.isGone === false && lineage !== null ? [{ who: daemon.id, lineage }] : []; });
  return { plan, history, facts: server.facts, ran: hosts.flatMap(({ ran }) => ran), acknowledged, granted, folds, stoppedMs, healedMs, endMs, happened: schedule.happened, traffic: network.traffic };
}

/** What a fact is about, from the trial down to the slot. */
function aboutOf(fact: Fact): string[] {
  const [first = '', second, third] = fact.ids;
  const parts = fact.word.startsWith('lease.') || fact.word === 'trial.measured' ? [first, `${first}.${second}`, `${first}.${second}.${third}`] : [first];
  if (fact.word === 'lease.granted') parts.push(...fact.body.slots.map((slot) => `${fact.body.node}/${slot}`));
  if (fact.word === 'run.best') parts.push(fact.body.trial, 'best');
  return parts;
}

function saidOf(fact: Fact): string {
  switch (fact.word) {
    case 'lease.granted': return ` to ${fact.body.node}/${fact.body.slots.join('+')}`;
    case 'lease.lapsed': return `: ${fact.body.reason}`;
    case 'trial.measured': return ` ${fact.body.measurement.score ?? fact.body.measurement.failure?.kind ?? ''}, held ${fact.body.heldMs} ms`;
    case 'trial.result': return ` ${fact.body.status} (${fact.body.why}) against ${fact.body.judgedAgainst} at ${fact.body.judgedAt}`;
    case 'run.best': return ` ${fact.body.trial} at ${fact.body.judgedAt}`;
    case 'run.stopping': case 'run.stopped': return `: ${fact.body.reason}`;
    default: return '';
  }
}
