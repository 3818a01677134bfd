import { expect, test } from 'vitest';
import { BASELINE } from '../../src/domain/ids.ts';
import { studentQuantile } from '../../src/domain/noise.ts';
import type { TrialResult } from '../../src/domain/trial.ts';
import { worthOf } from '../../src/domain/worth.ts';
import { worthSection } from '../../src/adapters/report/worth-table.ts';
import { calibrated, type Story } from '../support/story.ts';

// Search text reads 0.1 worse than confirmation text, for the baseline and for everybody else.

function admit(told: Story, trial: string, parent: string, specialist: string, parts: readonly string[] = []): void {
  told.tell('trial.admitted', [trial], {
    snapshot: trial.slice(1).padEnd(64, '0'), feedback: null, clientId: `c-${trial}`,
    proposal: { specialist, parent, asOf: 1, hypothesis: `an idea called ${trial}`, expectedDelta: -0.1, patch: '', parts, proposer: { kind: parts.length > 0 ? 'compose' : 'search', strategy: 'x', moves: [] }, tokens: 0, money: 0 },
  });
}
function end(told: Story, trial: string, status: TrialResult['status'], score: number | null, failure: TrialResult['failure'] = null): void {
  const row = told.lineage.trials.get(trial);
  told.tell('trial.result', [trial], {
    status, specialist: row?.proposal.specialist ?? '', parent: row?.proposal.parent ?? '', hypothesis: row?.proposal.hypothesis ?? '', score, scoreSource: 'evaluator', deltaVsBest: null, judgedAgainst: told.lineage.bests.at(-1)?.trial ?? BASELINE, judgedAt: told.lineage.applied,
    p: null, n: 1, sd: null, why: 'a scene', failure, artifactBytes: 1, phases: [], attempt: 1, node: 'atlas', slots: ['cpu0'], device: 'cpu/test', evaluatorHash: null, snapshot: row?.snapshot ?? '',
  });
  if (status === 'keep') told.tell('run.best', [String(told.lineage.bests.length)], { trial, score: score ?? 0, snapshot: row?.snapshot ?? '', judgedAt: told.lineage.applied });
}
const confirm = (told: Story, trial: string, scores: readonly number[]): void => scores.forEach((score, i) => { told.measure(trial, `c${i + 1}`, score); });

function scene(): Story {
  const told = calibrated({}, [2.5, 2.55, 2.45]);
  confirm(told, BASELINE, [2.35, 2.4, 2.45]);
  admit(told, 't0001', BASELINE, 'optimizer');
  told.measure('t0001', 's1', 2.2); // a lucky screening
  confirm(told, 't0001', [2.2, 2.25, 2.15]);
  end(told, 't0001', 'keep', 2.2);
  admit(told, 't0002', BASELINE, 'data');
  told.measure('t0002', 's1', 2.1);
  confirm(told, 't0002', [2.0, 2.05, 1.95]);
  end(told, 't0002', 'keep', 2.0);
  admit(told, 't0003', 't0002', 'composer', ['t0001', 't0002']);
  told.measure('t0003', 's1', 1.7);
  confirm(told, 't0003', [1.85, 1.8, 1.9]);
  end(told, 't0003', 'keep', 1.85);
  return told;
}

test('a component is worth what recipes differ by that differ in it alone, kept, added and left out', () => {
  const told = scene();
  const worth = worthOf(told.lineage).map(({ component, how, having, lacking, gain }) => [component, how, having, lacking, Number(gain?.toFixed(6))]);
  expect(worth).toEqual([
    ['t0001', 'kept', 't0001', BASELINE, 0.2], ['t0001', 'added', 't0003', 't0002', 0.15],
    ['t0002', 'kept', 't0002', BASELINE, 0.4], ['t0002', 'added', 't0003', 't0001', 0.35],
  ]);
});

test('its interval is Student\'s, from the spread of the whole run', () => {
  const [, added] = worthOf(scene().lineage);
  const reach = studentQuantile(0.975, 10) * 0.05 * Math.sqrt(1 / 3 + 1 / 3); // five groups of three, each with a spread of 0.05
  expect(added?.interval?.[0]).toBeCloseTo(0.15 - reach, 9);
  expect(added?.interval?.[1]).toBeCloseTo(0.15 + reach, 9);
});

test('beside a recipe that was only screened, a confirmed one stands as it was confirmed, not as it was chosen', () => {
  const told = scene();
  admit(told, 't0004', 't0003', 'kernel');
  told.measure('t0004', 's1', 1.5);
  confirm(told, 't0004', [1.65, 1.7, 1.6]);
  end(told, 't0004', 'keep', 1.65);
  admit(told, 't0005', 't0002', 'composer', ['t0002', 't0004']); // the best without t0001
  told.measure('t0005', 's1', 1.85);
  end(told, 't0005', 'discard', 1.85);
  const [worth] = worthOf(told.lineage).filter(({ lacking }) => lacking === 't0005');
  expect([worth?.component, worth?.how, worth?.having]).toEqual(['t0001', 'left out', 't0004']);
  expect(worth?.gain).toBeCloseTo(0.1, 9); // 1.65 on confirmation text is 1.75 on search text; its own screening said 1.5
});

test('where confirmations are made anew, a component is worth what it gained beside what it was measured beside, however the machine has drifted since', () => {
  const told = calibrated({ objective: { metric: 'seconds', unit: 's', direction: 'minimize', range: [0, 100], confirm: 'fresh' } }, [2.5, 2.55, 2.45]);
  /** A contender beside the incumbent of its time, `slower` for both. */
  const contend = (trial: string, against: string, mine: number, theirs: number, slower: number): void => {
    told.measure(trial, 's1', mine + slower);
    [0, 0.05, -0.05].forEach((off, i) => { told.measure(trial, `c${i + 1}`, mine + slower + off).measure(against, `c${Number(trial.slice(1))}-${i + 1}`, theirs + slower + off); });
  };
  admit(told, 't0001', BASELINE, 'optimizer');
  contend('t0001', BASELINE, 2.3, 2.5, 0);
  end(told, 't0001', 'keep', 2.3);
  admit(told, 't0002', 't0001', 'data');
  contend('t0002', 't0001', 2.4, 2.3, 1); // worse, on a machine that has become slower by a second
  end(told, 't0002', 'discard', 3.4);
  const [first] = worthOf(told.lineage);
  expect([first?.component, first?.having, first?.lacking]).toEqual(['t0001', 't0001', BASELINE]);
  expect(first?.gain).toBeCloseTo(0.2, 9); // with what it took beside t0002, it would seem to cost 0.3
  const reach = studentQuantile(0.975, 10) * 0.05 * Math.sqrt(1 / 3 + 1 / 3); // the drift is nobody's spread
  expect(first?.interval?.[0]).toBeCloseTo(0.2 - reach, 9);
});

test('a component without which nothing runs says so instead of a figure', () => {
  const told = scene();
  admit(told, 't0004', BASELINE, 'composer', ['t0002']);
  admit(told, 't0005', 't0003', 'kernel');
  told.measure('t0005', 's1', 1.5);
  end(told, 't0005', 'keep', 1.5);
  admit(told, 't0006', 't0002', 'composer', ['t0002', 't0005']);
  end(told, 't0006', 'crash', null, { kind: 'crash', phase: 'train', exception: 'NameError: MOMENTUM', frame: 'optimizer.py:3' });
  const worth = worthOf(told.lineage).find(({ lacking }) => lacking === 't0006');
  expect([worth?.component, worth?.gain, worth?.failed]).toEqual(['t0001', null, 't0006 ended as crash']);
  expect(worthSection(told.lineage).safe).toContain('t0006 ended as crash');
});

test('the report has the section where something was composed, and nothing where nothing was', () => {
  expect(worthSection(scene().lineage).safe).toContain('+0.1500');
  const told = calibrated();
  admit(told, 't0001', BASELINE, 'optimizer');
  told.measure('t0001', 's1', 2.2);
  end(told, 't0001', 'keep', 2.2);
  expect(worthSection(told.lineage).safe).toBe('');
});
