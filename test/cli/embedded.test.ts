import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openClock } from '../../src/adapters/clock/index.ts';
import { keepServer } from '../../src/cli/embedded.ts';
import { natsBinary } from '../support/nats.ts';

/** A nats-server whose starts after the first are killed, as many as asked, before they serve. */
async function fragile(kills: number) {
  const dir = await mkdtemp(join(tmpdir(), 'brigade-kept-'));
  const binary = join(dir, 'nats-server');
  await writeFile(binary, `#!/bin/sh
[ "$1" = --version ] && exec '${natsBinary}' --version
echo start >> '${dir}/starts'
n=$(wc -l < '${dir}/starts')
[ "$n" -gt 1 ] && [ "$n" -le ${1 + kills} ] && kill -9 $$
exec '${natsBinary}' "$@"
`);
  await chmod(binary, 0o755);
  return { dir, binary, async [Symbol.asyncDispose]() { await rm(dir, { recursive: true, force: true }); } };
}

test('a server that is killed while it starts again is started once more, at its address', async () => {
  await using place = await fragile(2);
  let again = (_says: string): void => undefined;
  const said = new Promise<string>((resolve) => { again = resolve; });
  const kept = await keepServer({ binary: place.binary, dir: join(place.dir, 'nats'), clock: openClock(), onStep: again });
  process.kill(Number(await readFile(join(place.dir, 'nats', 'nats.pid'), 'utf8')), 'SIGKILL');
  expect(await Promise.race([said, kept.lost])).toBe(`nats-server died and was started again at ${kept.url}`);
  expect((await readFile(join(place.dir, 'starts'), 'utf8')).trim().split('\n')).toHaveLength(4);
  await kept.stop();
});
