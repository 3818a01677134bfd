import { expect, test } from 'vitest';
import { needless } from '../../src/actors/broker/decide.ts';
import { weigh } from '../../src/actors/trial/index.ts';
import { calibrated, measurement } from '../support/story.ts';

test('a lease whose earlier attempt was measured in the moment it was granted is let go, and no other', () => {
  const told = calibrated().admit('t0001').admit('t0002');
  for (const trial of ['t0001', 't0002']) told.lease(trial, 's1').tell('lease.lapsed', [trial, 's1', '1'], { reason: 'silence' });
  told.tell('trial.measured', ['t0001', 's1', '1', 'atlas'], { measurement: measurement(2.4), signature: '', heldMs: 1000 });
  for (const trial of ['t0001', 't0002']) told.lease(trial, 's1', 2);
  expect(needless(told.lineage, []).map(({ lease, reason }) => `${lease.trial} ${lease.replicate} ${lease.attempt}: ${reason}`)).toEqual(['t0001 s1 2: an earlier attempt was measured after all']);
});

test('an incumbent\'s replicate beside a contender that was decided is let go; one that serves every contender is measured to its end', () => {
  const told = calibrated({ objective: { metric: 'seconds', unit: 's', direction: 'minimize', range: [0, 100], confirm: 'fresh' } }).admit('t0001').measure('t0001', 's1', 2.1);
  for (const i of [1, 2]) told.measure('t0001', `c${i}`, 2.7).measure('t0000', `c1-${i}`, 2.5);
  told.lease('t0000', 'c1-3').lease('t0000', 'c4');
  const row = told.lineage.trials.get('t0001');
  const need = row && weigh(told.lineage, row);
  if (need?.kind !== 'end') throw new Error('not futile');
  const released = () => needless(told.lineage, []).map(({ lease }) => lease.replicate);
  told.tell('trial.result', ['t0001'], need.result);
  expect(released()).toEqual(['c1-3']);
  expect(needless(told.lineage, [{ trial: 't0000', replicate: 'c1-3', purpose: 'confirm' }])).toEqual([]);
});
