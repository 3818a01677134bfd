import { Command } from 'commander';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contextFile, natsCommand } from '../../src/cli/nats.ts';
import { removeLive, writeLive, writeRunFile } from '../../src/cli/place.ts';

test('a saved context has the live address and the operator’s key, and only its owner can read it; a run that has ended has none', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'brigade-context-'));
  const config = process.env['XDG_CONFIG_HOME'];
  process.env['XDG_CONFIG_HOME'] = join(dir, 'config');
  try {
    const place = { root: dir, runs: join(dir, 'runs') };
    await writeRunFile(place, { run: 'toy-1', surface: 'toy', url: null, keys: join(dir, 'keys') });
    await writeLive(place, 'toy-1', 'nats://127.0.0.1:4321');
    let out = '';
    const program = new Command();
    natsCommand(program, place, { write: (text) => { out += text; } });
    await program.parseAsync(['nats', 'context', 'toy-1', '--save'], { from: 'user' });
    const path = contextFile('toy-1', process.env);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ description: 'Brigade run toy-1, as its operator', url: 'nats://127.0.0.1:4321', nkey: join(dir, 'keys', 'operator.nk'), inbox_prefix: '_INBOX' });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(out).toContain("nats --context brigade-toy-1 sub 'brigade.>'");
    await mkdir(join(dir, 'keys'));
    for (const name of ['ca.crt', 'operator.crt', 'operator.key']) await writeFile(join(dir, 'keys', name), '');
    out = '';
    await program.parseAsync(['nats', 'context', 'toy-1', '--json'], { from: 'user' });
    expect(JSON.parse(out), 'certificates that lie beside the key are named').toMatchObject({ ca: join(dir, 'keys', 'ca.crt'), cert: join(dir, 'keys', 'operator.crt'), key: join(dir, 'keys', 'operator.key') });
    await removeLive(place, 'toy-1');
    await expect(program.parseAsync(['nats', 'context', 'toy-1'], { from: 'user' })).rejects.toThrow('toy-1 is not running, and its own server with it: brigade run --resume toy-1');
  } finally {
    if (config === undefined) delete process.env['XDG_CONFIG_HOME']; else process.env['XDG_CONFIG_HOME'] = config;
    await rm(dir, { recursive: true, force: true });
  }
});
