import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

test('a lock is taken where nothing more can be written, as in a shared memory that others have filled: only the holder\'s name is missing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'brigade-occupancy-'));
  const program = `
import resource, sys
sys.path.insert(0, ${JSON.stringify(join(root, 'src', 'adapters', 'sandbox', 'warden'))})
sys.dont_write_bytecode = True
from occupancy import Occupancy
order = {'silenceMs': 1000, 'by': 'run a on atlas', 'locks': ['device-a'], 'shared': ['core-1']}
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
one, other = Occupancy(${JSON.stringify(folder)}, order), Occupancy(${JSON.stringify(folder)}, order)
print(one.take(), other.take(), other.why())
one.let_go()
print(other.take())
`;
  const run = spawnSync(join(root, '.brigade', 'python', 'bin', 'python'), ['-I', '-c', program], { encoding: 'utf8' });
  expect([run.stdout, run.stderr]).toEqual(['True False device-a is held by another process\nTrue\n', '']);
  rmSync(folder, { recursive: true, force: true });
});
