import { weigh } from '../../src/actors/trial/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { BASELINE } from '../../src/domain/ids.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import { verify } from './cast.ts';
import { DRIFT } from './daemon.ts';
import { RUN, type Told } from './world.ts';

// What must hold of every world, whatever was done to it: read from its journal, from what its slots ran, and from what its daemons were told.
//
//   I0. Where nothing goes wrong, nothing is tried twice, lost or blamed on a machine.
//   I1. What was acknowledged is in the journal, word for word, and one client id names one trial.
//   I2. A trial has one result, and it is the one that follows from the journal where it was judged. A replicate counts one measurement of its newest
//       lease, has three attempts at most, and the next is given only when the last was over. No broker gives a slot away that its own fold holds, nor leases
//       what was measured by its own fold; a measurement that comes in the moment of the next grant counts, and ends that lease.
//   I3. No slot runs two things at once, and what runs later of one replicate in one slot has no lower attempt.
//   I5. Whoever folded the journal to its end holds the same lineage, whether it was read live, after crashes, in pieces, or with pieces repeated.
//   I6. A measurement that counts was signed by the newest start of its node.
//   I8. What ran under a lease while the lease was held is charged. Nothing runs on for long once it is over, and nothing at all where a node that was at it was not heard.
//   I9. A run ends in bounded time once everything is mended, each of its trials decided unless it was told to stop at once.
//   T3. No broker leases anything when its own fold, or for three seconds the journal, has given the run to another.
//   L5. Each best but the first was judged against the one before it, and is a keep; there is no keep that is no best.

/** Said here again: a limit that was read from what it limits would hold whatever it became. */
const MOST_ATTEMPTS = 3;

/** One broken law, and the words by which the history knows what it is about. */
export interface Broken { readonly law: string; readonly says: string; readonly about: readonly string[] }
type Law = (told: Told) => Broken[];

/** The journal folded anew, up to a position. */
export function folded(facts: readonly Fact[], upTo = Infinity): Lineage {
  const lineage = emptyLineage();
  for (const fact of facts) if (fact.seq <= upTo) grow(lineage, fact, RUN, verify);
  return lineage;
}

const calm: Law = ({ plan, facts }) => { // I0
  if (plan.faults.length > 0 || plan.faultyPhases > 0 || plan.faultyClearing > 0 || plan.spikes > 0) return [];
  return facts.flatMap((fact): Broken[] => {
    const isTrouble = (fact.word === 'lease.granted' && fact.ids[2] !== '1') || (fact.word === 'trial.measured' && fact.body.measurement.failure?.kind === 'harness_abort')
      || (fact.word === 'lease.lapsed' && fact.body.reason !== 'its trial has been decided') || (fact.word === 'broker.took' && fact.ids[0] !== '1');
    return isTrouble ? [{ law: 'I0', says: `nothing went wrong, and yet there is ${fact.word} ${fact.ids.join('.')}`, about: [fact.ids[0] ?? '', `${fact.ids[0]}.${fact.ids[1]}`] }] : [];
  });
};

const honest: Law = ({ facts }) => { // I6
  const lineage = folded(facts);
  return [...lineage.trials.values()].flatMap(({ trial, replicates }) => [...replicates.values()].flatMap(({ replicate, measured }): Broken[] => {
    const fact = facts.find(({ seq }) => seq === measured?.seq);
    if (measured === null) return [];
    const enrolled = facts.findLast((each) => each.word === 'node.enrolled' && each.ids[0] === measured.node && each.seq < measured.seq);
    const key = enrolled?.word === 'node.enrolled' ? enrolled.body.publicKey : '';
    return fact?.word === 'trial.measured' && fact.body.signature.startsWith(`${key}:${trial}.${replicate}.${measured.attempt}.${measured.node}:`) ? [] : [{ law: 'I6', says: `what counts for ${trial}.${replicate} is not signed by the newest start of ${measured.node}`, about: [`${trial}.${replicate}`, measured.node] }];
  }));
};

const durable: Law = ({ facts, acknowledged }) => { // I1
  const byText = new Map(facts.map((fact) => [`${fact.word} ${fact.ids.join('.')}`, fact]));
  const byClient = new Map<string, string>();
  const lost = acknowledged.flatMap(({ to, word, ids, text, clientId, seq }): Broken[] => {
    const name = `${word} ${ids.join('.')}`;
    const fact = byText.get(name);
    const isThere = fact !== undefined && (text === null || JSON.stringify(fact.body) === text) && (seq === null || fact.seq === seq);
    const isAnswer = clientId === null || ((fact?.word === 'trial.admitted' || fact?.word === 'trial.rejected') && fact.body.clientId === clientId);
    return isThere && isAnswer ? [] : [{ law: 'I1', says: `${to} was told that ${name} is recorded, and it is not`, about: [ids[0] ?? ''] }];
  });
  const twice = facts.flatMap((fact): Broken[] => {
    if (fact.word !== 'trial.admitted' && fact.word !== 'trial.rejected') return [];
    const earlier = byClient.get(fact.body.clientId);
    byClient.set(fact.body.clientId, fact.ids[0]);
    return earlier === undefined ? [] : [{ law: 'I1', says: `${earlier} and ${fact.ids[0]} are of one client id`, about: [earlier, fact.ids[0]] }];
  });
  return [...lost, ...twice];
};

const once: Law = ({ facts, granted }) => { // I2
  const broken: Broken[] = [];
  const said = new Set<string>();
  const lineage = emptyLineage();
  for (const fact of facts) {
    if (fact.word === 'lease.granted') {
      const [trial, replicate, attempt] = fact.ids;
      const key = `${trial}.${replicate}`;
      if (Number(attempt) > MOST_ATTEMPTS) broken.push({ law: 'I2', says: `${key} was given attempt ${attempt}`, about: [key] });
      const held = lineage.leases.get(key);
      if (held) broken.push({ law: 'I2', says: `${key} was given attempt ${attempt} while ${held.attempt} was out`, about: [key] });
      if (lineage.stopped !== null) broken.push({ law: 'I2', says: `${key} was leased after the run had stopped`, about: [key] });
    }
    if (fact.word === 'trial.result') {
      const [trial] = fact.ids;
      if (said.has(trial)) broken.push({ law: 'I2', says: `${trial} has two results`, about: [trial] });
      said.add(trial);
      const then = folded(facts, fact.body.judgedAt);
      const row = then.trials.get(trial);
      const need = row && weigh(then, row);
      if (need?.kind !== 'end' || JSON.stringify(need.result) !== JSON.stringify(fact.body)) broken.push({ law: 'I2', says: `the result of ${trial} does not follow from the journal at ${fact.body.judgedAt}: ${need?.kind === 'end' ? JSON.stringify(need.result).slice(0, 200) : JSON.stringify(need?.wanted ?? null)}`, about: [trial] });
    }
    grow(lineage, fact, RUN, verify);
  }
  for (const row of lineage.trials.values()) for (const { replicate, attempts, measured } of row.replicates.values()) {
    const valid = facts.filter((fact) => fact.word === 'trial.measured' && fact.ids[0] === row.trial && fact.ids[1] === replicate && fact.seq === measured?.seq);
    if (measured !== null && (valid.length !== 1 || measured.attempt !== attempts.filter(({ seq }) => seq < measured.seq).length)) broken.push({ law: 'I2', says: `${row.trial}.${replicate} counts a measurement that is not its newest attempt's`, about: [`${row.trial}.${replicate}`] });
    if (measured?.measurement.failure?.kind === 'harness_abort' && measured.attempt < MOST_ATTEMPTS) broken.push({ law: 'I2', says: `${row.trial}.${replicate} was ended by a machine's fault at attempt ${measured.attempt}`, about: [`${row.trial}.${replicate}`] });
    for (const attempt of attempts) if (lineage.stopMode === 'complete' && lineage.stopped !== null && attempt.lapsed === null && measured?.attempt !== attempt.lease.attempt) broken.push({ law: 'I2', says: `${row.trial}.${replicate}.${attempt.lease.attempt} never ended`, about: [`${row.trial}.${replicate}`] });
  }
  for (const { by, key, usurps } of granted) if (usurps !== null) broken.push({ law: 'T3', says: `${by} leased ${key} although ${usurps}`, about: [by, key] });
  for (const { by, key, isMeasured } of granted) if (isMeasured) broken.push({ law: 'I2', says: `${by} leased ${key} although it had been measured by its own fold`, about: [by, key.slice(0, key.lastIndexOf('.'))] });
  for (const { by, key, clash } of granted) if (clash !== null) broken.push({ law: 'I2', says: `${by} gave ${key} a slot that held ${clash} by its own fold`, about: [key, clash] });
  return broken;
};

const exclusive: Law = ({ ran, endMs }) => { // I3
  const broken: Broken[] = [];
  const places = new Set(ran.map(({ host, slot }) => `${host}/${slot}`));
  for (const place of places) {
    const inTurn = ran.filter(({ host, slot }) => `${host}/${slot}` === place).sort((a, b) => a.from - b.from);
    const tokens = new Map<string, number>();
    inTurn.forEach((one, i) => {
      const key = `${one.trial}.${one.replicate}`;
      const before = inTurn[i - 1];
      if (before !== undefined && (before.to ?? endMs) > one.from) broken.push({ law: 'I3', says: `${place} ran ${before.trial}.${before.replicate}.${before.attempt} of ${before.by} and ${key}.${one.attempt} of ${one.by} at once, at ${one.from.toFixed(1)}`, about: [place, key, `${before.trial}.${before.replicate}`] });
      if ((tokens.get(key) ?? 0) > one.attempt) broken.push({ law: 'I3', says: `${place} ran attempt ${one.attempt} of ${key} after attempt ${tokens.get(key)}`, about: [place, key] });
      tokens.set(key, Math.max(tokens.get(key) ?? 0, one.attempt));
    });
  }
  return broken;
};

const text = (lineage: Lineage): string => JSON.stringify(lineage, (_, value: unknown) => (value instanceof Map ? [...value] : value instanceof Set ? [...value] : value));

const converging: Law = ({ facts, folds }) => { // I5
  const whole = text(folded(facts));
  const broken: Broken[] = [];
  for (const { who, lineage } of folds) {
    if (lineage.applied < facts.length) broken.push({ law: 'I5', says: `${who} read only ${lineage.applied} of ${facts.length} facts`, about: [who] });
    else if (text(lineage) !== whole) broken.push({ law: 'I5', says: `${who} folded another lineage: ${difference(text(lineage), whole)}`, about: [who] });
  }
  const repeated = emptyLineage();
  facts.forEach((fact, i) => {
    grow(repeated, fact, RUN, verify);
    for (const again of facts.slice(Math.max(0, i - (i % 7)), i + 1)) grow(repeated, again, RUN, verify);
  });
  if (text(repeated) !== whole) broken.push({ law: 'I5', says: `facts that come twice change the fold: ${difference(text(repeated), whole)}`, about: [] });
  return broken;
};

function difference(a: string, b: string): string {
  const at = [...a].findIndex((letter, i) => letter !== b[i]);
  return `…${a.slice(Math.max(0, at - 60), at + 60)}… is not …${b.slice(Math.max(0, at - 60), at + 60)}…`;
}

/** A lease that was begun this soon is given up by a node that is at it before its broker may think of it, and where the node is paused, by its warden. */
const PROMPT_MS = 300;

const charged: Law = ({ facts, ran, endMs }) => { // I8
  const broken: Broken[] = [];
  const lineage = folded(facts);
  const epoch = facts[0]?.at ?? 0;
  const stop = facts.find((fact) => fact.word === 'run.stopped');
  for (const row of lineage.trials.values()) for (const { replicate, attempts } of row.replicates.values()) for (const { lease, seconds } of attempts) {
    const key = `${row.trial}.${replicate}.${lease.attempt}`;
    const ends = facts.find((fact) => (fact.word === 'lease.lapsed' || (fact.word === 'trial.measured' && fact.ids[3] === lease.node)) && fact.ids[0] === row.trial && fact.ids[1] === replicate && fact.ids[2] === String(lease.attempt)) ?? stop;
    const overMs = (ends?.at ?? Infinity) - epoch;
    const mine = ran.filter(({ trial, replicate: its, attempt }) => `${trial}.${its}.${attempt}` === key);
    const usedMs = mine.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to ?? endMs, overMs) - from), 0) * lease.slots.length;
    if (ends !== undefined && seconds * 1000 < usedMs * (1 - 2 * DRIFT) - 5) broken.push({ law: 'I8', says: `${key} was charged ${seconds.toFixed(3)} s and ran ${(usedMs / 1000).toFixed(3)} s while it was held`, about: [key, `${row.trial}.${replicate}`] });
    const isSilence = ends?.word === 'lease.lapsed' && ends.body.reason.includes('did not renew');
    for (const { to, from, host, slot } of mine) {
      const onMs = (to ?? endMs) - Math.max(from, overMs);
      const isPrompt = from - ((facts.find((fact) => fact.word === 'lease.granted' && fact.ids.join('.') === key)?.at ?? 0) - epoch) < PROMPT_MS;
      if (onMs > (isSilence && isPrompt ? 100 : lease.ttlMs)) broken.push({ law: 'I8', says: `${key} ran on in ${host}/${slot} for ${onMs.toFixed(0)} ms after it ${isSilence ? 'had been given up for its silence' : 'was over'}`, about: [key, `${row.trial}.${replicate}`, `evaluator-${host}`] });
    }
  }
  const sum = [...lineage.trials.values()].flatMap(({ replicates }) => [...replicates.values()].flatMap(({ attempts }) => attempts.map(({ seconds }) => seconds))).reduce((a, b) => a + b, 0);
  if (Math.abs(sum - lineage.slotSeconds) > 1e-6) broken.push({ law: 'I8', says: `the attempts were charged ${sum} s and the run ${lineage.slotSeconds} s`, about: [] });
  return broken;
};

const live: Law = ({ facts, stoppedMs, healedMs }) => { // I9
  const lineage = folded(facts);
  if (stoppedMs === null) return [{ law: 'I9', says: `the run did not end within its patience after ${healedMs.toFixed(0)}, ${lineage.open.size} trials open (${[...lineage.open].join(' ')}), ${lineage.leases.size} leases`, about: [...lineage.open] }];
  if (lineage.stopMode !== 'complete') return [];
  return [...lineage.open].map((trial) => ({ law: 'I9', says: `the run stopped and ${trial} has no result`, about: [trial] }));
};

const best: Law = ({ facts }) => { // L5
  const lineage = folded(facts);
  const broken: Broken[] = [];
  lineage.bests.forEach(({ trial }, n) => {
    const result = lineage.trials.get(trial)?.result;
    const before = lineage.bests[n - 1]?.trial ?? BASELINE;
    if (!result) { if (lineage.stopMode === 'complete' && lineage.stopped !== null) broken.push({ law: 'L5', says: `best ${n} is ${trial}, which has no result`, about: [trial, 'best'] }); return; }
    if (result.status !== (n === 0 ? 'baseline' : 'keep')) broken.push({ law: 'L5', says: `best ${n} is ${trial}, which ended as ${result.status}`, about: [trial, 'best'] });
    if (result.judgedAgainst !== before) broken.push({ law: 'L5', says: `best ${n}, ${trial}, was judged against ${result.judgedAgainst} and not against ${before}`, about: [trial, 'best'] });
  });
  for (const row of lineage.trials.values()) if (row.result?.status === 'keep' && !lineage.bests.some(({ trial }) => trial === row.trial)) broken.push({ law: 'L5', says: `${row.trial} is a keep and never was the best`, about: [row.trial, 'best'] });
  if (new Set(lineage.bests.map(({ trial }) => trial)).size !== lineage.bests.length) broken.push({ law: 'L5', says: 'a trial is the best twice', about: ['best'] });
  return broken;
};

/** Every law that a world broke. */
export const judge = (told: Told): Broken[] => [calm, durable, once, exclusive, converging, honest, charged, live, best].flatMap((law) => law(told));
