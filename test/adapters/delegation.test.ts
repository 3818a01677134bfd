import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

// A unit's control group of version 2, as systemd hands it over, divided by the warden's own code. Which controllers a machine has there differs: any will do,
// since none is passed on by a group that has processes of its own.

const mount = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' ')).find(([, , kind]) => kind === 'cgroup2')?.[1];
const [controller] = mount === undefined ? [] : readFileSync(join(mount, 'cgroup.controllers'), 'utf8').trim().split(' ').filter((name) => name !== '');
const isRoot = process.getuid?.() === 0;
const lacks = mount === undefined || controller === undefined ? 'no controller of version 2 is to be had here' : isRoot ? null : 'groups are made by root';
if (lacks !== null) console.warn(`that a unit's group is divided is not tried: ${lacks}`);

/** The first of systemd's tasks: that the group of a unit has a controller at all. */
const passed = lacks === null ? join(mount ?? '', 'cgroup.subtree_control') : null;
const wasPassed = passed === null || readFileSync(passed, 'utf8').includes(controller ?? '');
beforeAll(() => { if (passed !== null && !wasPassed) writeFileSync(passed, `+${controller}`); });
afterAll(() => { if (passed !== null && !wasPassed) writeFileSync(passed, `-${controller}`); });

let unit = '';
afterEach(() => {
  if (unit === '') return;
  for (const pid of processesIn(unit)) process.kill(pid, 'SIGKILL');
  for (const group of groupsIn(unit).reverse()) rmdirSync(group);
});

const groupsIn = (group: string): string[] => [group, ...readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory()).flatMap(({ name }) => groupsIn(join(group, name)))];
const processesIn = (group: string): number[] => groupsIn(group).flatMap((each) => readFileSync(join(each, 'cgroup.procs'), 'utf8').split('\n').filter((pid) => pid !== '').map(Number));

/** What wardens see that begin in a unit beside its daemon, one after the other. */
function wardensIn(given: boolean): { readonly seen: readonly { readonly parent: string; readonly mine: string; readonly daemon: string; readonly has: boolean }[]; readonly passes: string } {
  unit = mkdtempSync(join(mount ?? '', 'brigade-test-'));
  const script = `
import json, os, subprocess, sys
sys.path.insert(0, sys.argv[1])
unit, controller = sys.argv[2:4]
open(unit + '/cgroup.procs', 'w').write('0')
if sys.argv[4] == 'given': os.setxattr(unit, 'user.delegate', b'1')
warden = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from cgroup_v2 import V2
from cgroupfs import own
V2.controllers = (sys.argv[2],)
parents = V2.parents()
group = V2('probe-%d' % os.getpid(), parents)
has = sys.argv[2] in open(group.at + '/cgroup.controllers').read().split()
group.remove()
print(json.dumps({'parent': parents['cgroup2'], 'mine': own()[''], 'daemon': [line.split(':', 2)[2].strip() for line in open('/proc/%d/cgroup' % os.getppid()) if line.startswith('0:')][0], 'has': has}))
"""
print(json.dumps([json.loads(subprocess.run([sys.executable, '-B', '-c', warden, sys.argv[1], controller], check=True, capture_output=True, text=True).stdout) for _ in range(2)]))
`;
  const said = execFileSync('python3', ['-B', '-c', script, join(import.meta.dirname, '../../src/adapters/sandbox/warden'), unit, controller ?? '', given ? 'given' : 'kept'], { encoding: 'utf8' });
  return { seen: JSON.parse(said) as [], passes: readFileSync(join(unit, 'cgroup.subtree_control'), 'utf8').trim() };
}

test.skipIf(lacks !== null)('a unit that was given its group to divide has its daemons moved one below, and the groups of its slots have the controllers', () => {
  const { seen, passes } = wardensIn(true);
  const below = join(unit, 'daemons').slice(mount?.length);
  expect(seen).toEqual([1, 2].map(() => ({ parent: unit, mine: below, daemon: below, has: true })));
  expect(passes).toBe(controller);
});

test.skipIf(lacks !== null)('a group that nobody gave away is left as it is', () => {
  const { seen, passes } = wardensIn(false);
  expect(seen).toEqual([1, 2].map(() => ({ parent: unit, mine: unit.slice(mount?.length), daemon: unit.slice(mount?.length), has: false })));
  expect(passes).toBe('');
  expect(existsSync(join(unit, 'daemons'))).toBe(false);
});
