import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { python } from '../adversarial/sandboxed.ts';

// What the warden decides of frozen trees and silent references: its own programs, with made-up groups in place of the kernel's.

/** What a few lines of Python beside the warden's programs print. */
const said = (source: string): string => execFileSync(python, ['-I', '-c', `
import sys
sys.path.insert(0, ${JSON.stringify(join(import.meta.dirname, '../../src/adapters/sandbox/warden'))})
sys.dont_write_bytecode = True
${source}`], { encoding: 'utf8' }).trim();

test('a calibrated clock runs from the moment that ready was said, however long the tree takes to be frozen', () => {
  const seconds = said(`
from reference import NOMINAL_SECONDS
from stopwatch import Stopwatch
class Group:
    paths, spent, looks = ('here',), 2.0, 0
    def cpu_seconds(self): return self.spent
    def freeze(self): pass
    def thaw(self): pass
    def frozen(self):
        self.looks, self.spent = self.looks + 1, self.spent + 0.1
        return self.looks > 3
class Reference:
    def ask(self, then): then(NOMINAL_SECONDS)
class Page:
    def write(self, *line): self.line = line
group, page = Group(), Page()
watch = Stopwatch('calibrated', {'command': group}, Reference())
watch.times(group, page)
group.spent = 5.0
watch.start(True)
while watch.busy: watch.go_on(watch.since)
print(round(watch.seconds(0), 6), round(page.line[2], 6))
`);
  expect(seconds).toBe('0.4 0.4');
});

test('a tree that is being frozen when its scorer leaves is thawed, or a command that went first would never be seen to be gone', () => {
  const thawed = said(`
import time
from phase import Phase
from stopwatch import Stopwatch
class Group:
    paths, thaws = ('here',), 0
    def cpu_seconds(self): return 0.0
    def freeze(self): pass
    def frozen(self): return False
    def thaw(self): self.thaws += 1
class Crew:
    statuses, command_ended = {'scorer': 256}, None
    def reap(self): pass
    def command_lives(self): return False
class Scorer:
    def said(self): return None, 'nothing'
group, phase = Group(), object.__new__(Phase)
watch = Stopwatch('calibrated', {'command': group}, None)
watch.times(group, None)
watch.start(True)
phase.__dict__.update(now=time.monotonic, heard=time.monotonic(), ending=None, job={'silenceMs': 60000}, crew=Crew(), scorer=Scorer(), asked=None, scorer_left=None, stopwatch=watch)
before = group.thaws
phase.tick()
print(before, group.thaws, phase.ending)
`);
  expect(thawed).toBe('0 1 None');
});

test('a reference that falls silent is begun again, and each that is silent after it gets twice the time, or one that imports for long would never answer', () => {
  const begun = said(`
from stopwatch import Stopwatch
class Group:
    paths = ('here',)
    def cpu_seconds(self): return 0.0
    def freeze(self): pass
    def frozen(self): return True
    def thaw(self): pass
class Reference:
    silences = 0
    def ask(self, then): pass
    def restart(self): self.silences += 1
reference, said = Reference(), []
watch = Stopwatch('calibrated', {'command': Group()}, reference)
watch.times(Group(), None)
for seconds in (2, 4, 4, 7, 7, 13):
    watch.start(True)
    watch.go_on(watch.since + seconds)
    said.append(reference.silences)
    watch.give_up()
print(said)
`);
  expect(begun).toBe('[0, 1, 1, 2, 2, 3]');
});

test('a phase whose reference is silent at its end is closed without it, and what the reference says later troubles nobody', () => {
  const closed = said(`
from phase import Phase
from stopwatch import Stopwatch
class Group:
    paths, gone = ('here',), False
    def cpu_seconds(self):
        if self.gone: raise FileNotFoundError('the group was removed')
        return 1.0
    def thaw(self): pass
class Reference:
    silences = 0
    def ask(self, then): self.then = then
class Crew:
    def kill(self): return False
group, reference, phase = Group(), Reference(), object.__new__(Phase)
crew, watch = Crew(), Stopwatch('calibrated', {'command': group}, reference)
crew.groups = watch.groups
watch.times(group, None)
def close(): group.gone = True
phase.__dict__.update(ending={'kind': 'exited', 'code': 0}, crew=crew, job={'clock': 'calibrated'}, audits=False, stopwatch=watch, _close=close)
phase._bury()
watch.since -= 10
phase._bury()
reference.then(0.01)
print(group.gone, watch.settling)
`);
  expect(closed).toBe('True False');
});
