import { describe, expect, test } from 'vitest';
import type { Fact, RunStarted } from '../../src/domain/fact.ts';
import { BASELINE } from '../../src/domain/ids.ts';
import { NO_LIMITS } from '../../src/domain/budget.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import { endedRows } from '../../src/domain/tables.ts';
import { summarize } from '../../src/domain/summary.ts';
import type { Clock } from '../../src/ports.ts';
import { followRun } from '../../src/cli/view/follow.ts';
import { baselineLine, endingLines, standingLine, startLine, trialHead, trialLine } from '../../src/cli/view/lines.ts';
import { liveView, type LiveOptions } from '../../src/cli/view/live.ts';
import { columnsOf, fit, painter } from '../../src/cli/view/terminal.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const made = syntheticRun(40, ['Muon for matrices, AdamW for the rest', 'wide 宽字符 and\ttabs\u001b[31m red']);
const plain = painter(false);

function written(options: Partial<LiveOptions> = {}): { text(): string; options: LiveOptions } {
  const parts: string[] = [];
  return { text: () => parts.join(''), options: { run: made.run, out: { write: (part) => parts.push(part) }, width: () => null, color: false, json: false, now: () => made.lineage.newestAt, folder: 'runs/golf-mini-1121a', runsAlone: true, context: 'brigade-golf-mini-1121a', ...options } };
}

/** Plays the run's facts one by one to a view. */
function play(options: LiveOptions): void {
  const lineage = emptyLineage();
  const view = liveView(options);
  view.begin(lineage);
  for (const fact of made.facts) {
    grow(lineage, fact, made.run, () => true);
    view.fact(fact, lineage);
    view.tick(lineage);
  }
  view.end(lineage);
}

/** What a terminal shows after some output: enough of one for lines, cursor up and erase. */
function shown(output: string): string[] {
  const rows: string[] = [''];
  let row = 0;
  for (const [part] of output.matchAll(/\u001b\[\d*[A-Za-z]|\r|\n|[^\u001b\r\n]+/g)) {
    const up = /^\u001b\[(\d+)A$/.exec(part);
    if (up) row -= Number(up[1]);
    else if (part === '\u001b[J') { rows.length = row + 1; rows[row] = ''; } else if (part === '\n') { row += 1; rows[row] ??= ''; } else if (part !== '\r') rows[row] = (rows[row] ?? '') + part;
  }
  return rows;
}

describe('one trial on one line', () => {
  test.each([60, 100, 160])('at %i columns no line is wider than the terminal', (width) => {
    const look = { width, paint: painter(true) };
    expect(columnsOf(trialHead(made.lineage, look))).toBeLessThan(width);
    for (const row of endedRows(made.lineage)) expect(columnsOf(trialLine(row, made.lineage, look))).toBeLessThan(width);
  });

  test('a narrow terminal drops the specialist and the evidence, a wide one shows both', () => {
    const row = made.lineage.trials.get('t0001');
    if (!row) throw new Error('t0001 is missing');
    expect(trialLine(row, made.lineage, { width: 60, paint: plain })).toBe('  t0001  keep                2.2304  −0.3042  Muon for mat…');
    expect(trialLine(row, made.lineage, { width: 100, paint: plain })).toContain('optimizer');
    expect(trialLine(row, made.lineage, { width: 100, paint: plain })).not.toContain('5 seeds');
    expect(trialLine(row, made.lineage, { width: 160, paint: plain })).toMatch(/optimizer .* keep .* 2\.2304 {2}−0\.3042 {2}Muon for matrices, AdamW for the rest +p 1e-8, 5 seeds$/);
  });

  test('a pipe gets the whole text and no colour', () => {
    const row = made.lineage.trials.get('t0002');
    if (!row) throw new Error('t0002 is missing');
    const line = trialLine(row, made.lineage, { width: null, paint: plain });
    expect(line).toContain('bytes over the cap of 80,000');
    expect(line).not.toContain('\u001b');
  });

  test('a hypothesis cannot drive the terminal or break the line', () => {
    for (const width of [null, 60, 160]) {
      const row = made.lineage.trials.get('t0002');
      expect(row && trialLine(row, made.lineage, { width, paint: plain })).not.toMatch(/[\u0000-\u001f]/);
    }
  });

  test('a failure shows no change against the best, a discard shows a real minus or a plus', () => {
    for (const row of endedRows(made.lineage)) {
      const line = trialLine(row, made.lineage, { width: 160, paint: plain });
      if (row.result?.status === 'discard') expect(line).toMatch(/ [−+]\d\.\d{4} /);
      if (row.result?.status === 'size_blocked') expect(line.slice(0, 70)).not.toMatch(/[−+]\d\.\d{4} /);
    }
  });
});

describe('text of a given width', () => {
  test('wide characters count as two, colours as none', () => {
    expect([columnsOf('宽字'), columnsOf('\u001b[32mkeep\u001b[0m'), columnsOf('−0.1'), fit('宽字符串', 5), fit('abc', 3), fit('abcd', 3)]).toEqual([4, 4, 4, '宽字…', 'abc', 'ab…']);
  });
});

describe('the live view', () => {
  test('a pipe gets one line a trial, the head once, and the ending', () => {
    const { text, options } = written();
    play(options);
    const lines = text().split('\n');
    expect(text()).not.toContain('\u001b');
    expect(lines.filter((line) => /^ {2}t\d{4} /.test(line))).toHaveLength(40);
    expect(lines.filter((line) => line.includes('Δ best'))).toHaveLength(1);
    expect(lines[0]).toBe(startLine(made.run, made.lineage, 'brigade-golf-mini-1121a', { width: null, paint: plain }));
    expect(text()).toContain('keep confirmed (p < 0.01)   nats --context brigade-golf-mini-1121a\n');
    expect(text()).toMatch(/\nbest {5}t0037 {3}1\.\d{4} bpb {3}−0\.\d{4} \(−\d\d\.\d%\) {3}95% interval/);
    expect(text()).toContain('report   runs/golf-mini-1121a/report.html');
  });

  test('the first line names the roster and the composer where they are not the usual ones, and says nothing of them where they are', () => {
    const first = made.facts[0];
    if (first?.word !== 'run.started') throw new Error('the made-up run starts');
    const line = (body: Partial<RunStarted>): string => { const lineage = emptyLineage(); grow(lineage, { ...first, body: { ...first.body, ...body } }, made.run, () => true); return startLine(made.run, lineage, null, { width: null, paint: plain }); };
    expect(line({ rosterName: 'paper', compose: 'greedy' })).toBe('run golf-mini-1121a   surface golf-mini   roster paper   proposer search, seed 0   compose greedy   keep confirmed (p < 0.01)');
    expect(line({})).not.toMatch(/roster|compose/);
  });

  test('a specialist that gave up is said to have, not to be unable for now', () => {
    const { text, options } = written();
    const view = liveView(options);
    for (const cause of ['proposer', 'endpoint'] as const) {
      const fact: Fact = { word: 'specialist.stalled', ids: ['data', '1'], body: { cause, reason: 'gave up after 8 failures in a row, the last: no sampler' }, seq: 1, at: 0 };
      view.fact(fact, made.lineage);
    }
    expect(text()).toBe('  data gave up after 8 failures in a row, the last: no sampler\n  data cannot think for now: gave up after 8 failures in a row, the last: no sampler\n');
  });

  test('a node that goes on without a slot is told of, with why and what clears it', () => {
    const { text, options } = written();
    const enrolled = made.facts.find((fact) => fact.word === 'node.enrolled');
    if (enrolled?.word !== 'node.enrolled') throw new Error('the made-up run has a node');
    const view = liveView(options);
    view.fact(enrolled, made.lineage);
    view.fact({ ...enrolled, ids: ['atlas', 'b1'], body: { ...enrolled.body, drained: [{ slot: 'gpu0', why: 'GPU 0 has a compute process: 17' }, { slot: 'gpu3', why: 'device busy' }] } }, made.lineage);
    expect(text()).toBe('  atlas goes on without gpu0 (GPU 0 has a compute process: 17), gpu3 (device busy): a new start of it clears a slot\n');
  });

  test('a session that ended by its cap after a trial is not said to have had none', () => {
    const { text, options } = written();
    const view = liveView(options);
    for (const trials of [['t0003', 't0004'], []]) view.fact({ word: 'session.ended', ids: ['s0002'], body: { ending: 'capped', reason: 'five answers', trials, repairs: 0, transcript: null }, seq: 1, at: 0 }, made.lineage);
    expect(text()).toMatch(/capped, after t0003, t0004: five answers\n.*capped, no trial: five answers\n/);
  });

  test('a run that goes on says with which models, where they are others', () => {
    const { text, options } = written();
    const view = liveView(options);
    const limits = NO_LIMITS;
    for (const body of [{ limits }, { limits, models: 'm at gpu-2 (data)' }]) view.fact({ word: 'run.resumed', ids: ['1'], body, seq: 1, at: 0 }, made.lineage);
    expect(text()).toBe('  resumed\n  resumed, thinking with m at gpu-2 (data)\n');
  });

  test.each([60, 100, 160])('at %i columns the terminal ends with the same lines, the footer gone', (width) => {
    const { text, options } = written({ width: () => width });
    play(options);
    const rows = shown(text());
    expect(rows.filter((line) => /^ {2}t\d{4} /.test(line))).toHaveLength(40);
    expect(rows.filter((line) => /trials {3}\d/.test(line))).toEqual([]);
    expect(rows.some((line) => line.startsWith('best     t0037'))).toBe(true);
  });

  test('damage that the keeper found is told once, when it is found', () => {
    const { text, options } = written();
    const view = liveView(options);
    const pulse = (state: string, why: string): void => { view.pulse({ actor: 'lineage', name: 'main', state, why }); };
    pulse('following', 'the next fact');
    for (let beats = 0; beats < 3; beats++) pulse('alarmed', 'n2: position 17 is gone');
    expect(text().match(/n2: position 17 is gone/g)).toHaveLength(1);
  });

  test('while it runs the footer says what each specialist is at and where the run stands', () => {
    const { text, options } = written({ width: () => 160 });
    const lineage = emptyLineage();
    const view = liveView(options);
    const waiting = made.facts.findIndex((fact) => fact.word === 'trial.admitted' && fact.ids[0] === 't0010');
    for (const fact of made.facts.slice(0, waiting + 1)) { grow(lineage, fact, made.run, () => true); view.fact(fact, lineage); }
    view.pulse({ actor: 'specialist', name: 'data', state: 'thinking', why: 'proposing' });
    view.progress({ node: 'atlas', slot: 'cpu1', trial: 't0010', phase: 'train', seconds: 4, budgetSeconds: 10 });
    view.tick(lineage);
    const footer = shown(text()).slice(-3);
    expect(footer[0]).toContain('architecture  t0010 on cpu1, train, 6.0 s left');
    expect(footer[0]).toContain('data  proposing');
    expect(footer[1]).toBe(standingLine(summarize(made.run, lineage, options.now())));
    expect(footer[1]).toMatch(/^best 2\.2003 \(t0003\) {2}−13\.2% {3}8 of 40 trials {3}/);
  });

  test('JSON lines parse, one for every fact between the beginning and the end, and none carries a patch', () => {
    const { text, options } = written({ json: true, width: () => 100, color: true });
    play(options);
    const events = text().trimEnd().split('\n').map((line) => JSON.parse(line) as { event: string; patch?: string; seq?: number });
    expect(events.map(({ event }) => event)).toEqual(['view.began', ...made.facts.map(({ word }) => word), 'view.ended']);
    expect(text()).not.toContain('"patch"');
  });

  test('following a run shows what happened before and after it was opened, once each', async () => {
    const { text, options } = written();
    const half = made.facts.findIndex((fact) => fact.word === 'trial.result' && fact.ids[0] === 't0020');
    const lineage = emptyLineage();
    for (const fact of made.facts.slice(0, half)) grow(lineage, fact, made.run, () => true);
    const clock: Clock = { now: () => 0, wait: (_, signal) => new Promise((_resolve, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)); }) };
    await followRun({ run: made.run, lineage, bus: null, async *follow() { for (const fact of made.facts.slice(half)) { grow(lineage, fact, made.run, () => true); yield fact; } } }, liveView(options), clock, new AbortController().signal);
    const trials = [...text().matchAll(/^ {2}(t\d{4}) /gm)].map(([, trial]) => trial);
    expect(trials).toEqual(endedRows(made.lineage).map(({ trial }) => trial).filter((trial) => trial !== BASELINE));
    expect(text()).toContain('final claim: 5 fresh seeds each');
  });
});

test('until the baseline has a score the view counts its seeds', () => {
  const lineage = emptyLineage();
  const third = made.facts.filter(({ word }) => word === 'trial.measured')[2];
  for (const fact of made.facts.slice(0, third?.seq)) grow(lineage, fact, made.run, () => true);
  expect(standingLine(summarize(made.run, lineage))).toMatch(/^calibrating: 3 of 5 seeds {3}0 of 40 trials {3}\d/);
});

test('leaving a run that goes on says how to come back, and claims no ending', () => {
  const { text, options } = written();
  const lineage = emptyLineage();
  for (const fact of made.facts.slice(0, 60)) grow(lineage, fact, made.run, () => true);
  const view = liveView(options);
  view.begin(lineage);
  view.end(lineage);
  expect(text()).toContain('its end is not recorded: brigade watch golf-mini-1121a');
  expect(text()).not.toContain('report.html');
});

test('a slot is called by its node as well once there are two nodes', () => {
  const { lineage } = syntheticRun(3);
  const atlas = lineage.nodes.get('atlas');
  const says = (): string => baselineLine(lineage, summarize('r', lineage), null);
  expect(says()).toContain('2 slots: cpu0 cpu1');
  if (atlas) lineage.nodes.set('boreas', atlas);
  expect(says()).toContain('4 slots: atlas/cpu0 atlas/cpu1 boreas/cpu0 boreas/cpu1');
});

test('a run that found nothing ends by saying so', () => {
  const { lineage } = syntheticRun(0);
  expect(endingLines({ run: 'r', summary: summarize('r', lineage), folder: 'runs/r', runsAlone: false, further: [] }, { width: null, paint: plain })[0]).toMatch(/^best {5}the baseline stands {3}2\.\d{4} bpb {3}0 keeps/);
});

test('a final claim is called one on unseen data only where the evaluator computed the score', () => {
  const summary = summarize('r', made.lineage);
  const ending = (scoreSource: 'evaluator' | 'recipe'): string => endingLines({ run: 'r', summary: { ...summary, claim: summary.claim && { ...summary.claim, scoreSource } }, folder: 'runs/r', runsAlone: false, further: [] }, { width: null, paint: plain })[0] ?? '';
  expect(summary.claim?.scoreSource).toBe('evaluator');
  expect(ending('evaluator')).toContain('fresh seeds each, unseen data');
  expect(ending('recipe')).toMatch(/fresh seeds each, by its own word {3}/);
});

test('where a recipe runs by itself its folder says how', () => {
  const recipe = (runsAlone: boolean): string | undefined => endingLines({ run: 'r', summary: summarize('r', made.lineage), folder: 'runs/r', runsAlone, further: [] }, { width: null, paint: plain }).find((line) => line.startsWith('recipe'));
  expect(recipe(true)).toMatch(/^recipe {3}runs\/r\/best\/ +python run\.py trains it again$/);
  expect(recipe(false)).toMatch(/the best recipe, file by file$/);
});

test('what to do next is something that leads on: the best where there is one, else what was tried, else the search', () => {
  const next = (lineage: Lineage, limit: number | null = 8): string[] => endingLines({ run: 'r', summary: { ...summarize('r', lineage), trialLimit: limit }, folder: 'runs/r', runsAlone: false, further: [] }, { width: null, paint: plain }).filter((line) => line.includes('brigade ')).map((line) => line.replace(/ {2,}/g, '|'));
  const fruitless = emptyLineage();
  for (const fact of made.facts) if (fact.word !== 'run.best' || fact.ids[0] === '0') grow(fruitless, fact, made.run, () => true);
  expect(next(made.lineage)).toEqual([`next|brigade show ${made.lineage.bests.at(-1)?.trial}|the diff, and what its author knew`, '|brigade run --resume r|goes on from here']);
  expect(next(fruitless)).toEqual(['next|brigade results r --all|what was tried, and what came of it', '|brigade run --resume r|goes on from here']);
  expect(next(syntheticRun(0).lineage, 0)).toEqual(['next|brigade run golf-mini|searches it, and takes this calibration over']);
  expect(next(emptyLineage())).toEqual(['next|brigade run --resume r|goes on from here']);
});

test('a run that ended at a limit ends by naming the flag that raises it, but for a replay, of which nothing is left', () => {
  const ended = (more: object): string => {
    const { text, options } = written();
    const lineage = emptyLineage();
    for (const fact of made.facts) grow(lineage, fact.word === 'run.started' ? { ...fact, body: { ...fact.body, ...more, limits: { ...fact.body.limits, trials: 37, wallSeconds: null } } } : fact, made.run, () => true);
    liveView(options).end(lineage);
    return text();
  };
  expect(ended({})).toMatch(/brigade run --resume golf-mini-1121a --trials \+37 {2}/);
  expect(ended({ proposer: 'replay', replays: 'another' })).not.toContain('--resume');
});

test('a run begins by naming its arm and its limits, where they are not the usual', () => {
  const began = (arm: object): string => { const { lineage } = syntheticRun(0); if (lineage.started) lineage.started = { ...lineage.started, arm: { ...lineage.started.arm, ...arm } }; return startLine('r', lineage, null, { width: null, paint: plain }); };
  expect(began({})).not.toContain('arm');
  expect(began({ kind: 'generic', agents: 2, ownership: 'advisory' })).toMatch(/ {3}arm generic-2$/);
  expect(began({ ownership: 'advisory', lineage: false })).toMatch(/ {3}arm specialists, ownership advisory, no lineage$/);
  const { lineage } = syntheticRun(0);
  lineage.limits = { ...NO_LIMITS, trials: 8, tokens: 60_000, money: 5 };
  expect(baselineLine(lineage, summarize('r', lineage), null)).toMatch(/ {3}limits 8 trials, 60,000 tokens, money 5\.00$/);
});
