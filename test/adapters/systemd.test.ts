import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { openServiceManager } from '../../src/adapters/systemd/index.ts';

const isHere = spawnSync('systemd-notify', ['--version']).status === 0;
if (!isHere) process.stderr.write('SKIPPED: systemd-notify is not here, so nobody could be told that a daemon is ready\n');

/** A service manager's end of the wire: prints what it is told, a line a word. */
const LISTENER = "import socket, sys\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nprint('bound', flush=True)\nwhile True: print(s.recv(4096).decode().replace(chr(10), ' '), flush=True)";

test.skipIf(!isHere)('a service manager is told that a daemon is ready, that it lives, and that it is on its way out', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'brigade-notify-'));
  const listener = spawn('python3', ['-c', LISTENER, join(dir, 'socket')], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const lines = createInterface({ input: listener.stdout })[Symbol.asyncIterator]();
    const heard: string[] = [];
    const until = async (word: string): Promise<void> => { while (!heard.some((line) => line.includes(word))) heard.push(String((await lines.next()).value)); };
    await until('bound');
    using manager = openServiceManager({ PATH: process.env.PATH, NOTIFY_SOCKET: join(dir, 'socket'), WATCHDOG_USEC: '600000' });
    manager.ready();
    await until('READY=1');
    expect(heard.some((line) => line.includes('STOPPING=1'))).toBe(false);
    await until('WATCHDOG=1');
    manager.stopping();
    await until('STOPPING=1');
  } finally {
    listener.kill();
    await once(listener, 'exit');
    await rm(dir, { recursive: true, force: true });
  }
});

test('where nobody asked, nothing is said', () => {
  using manager = openServiceManager({});
  manager.ready();
  manager.stopping();
});
