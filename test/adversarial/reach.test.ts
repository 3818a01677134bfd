import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bench, levels } from './sandboxed.ts';

// What a recipe may try to reach. It finds itself alone, with what it was given and nothing else.

describe.each(await levels())('at level %s', (level) => {
  beforeAll(() => { process.env['CANARY_SECRET'] = 'sing'; });
  afterAll(() => { delete process.env['CANARY_SECRET']; });

  test('no capability, no new privilege, a system-call filter', async () => {
    await using on = await bench(level);
    const end = await on.run(`
import platform
lines = {name: value.strip() for name, _, value in (line.partition(':') for line in open('/proc/self/status'))}
print([int(lines[name], 16) for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')], lines['NoNewPrivs'], lines['Seccomp'])
`);
    expect(end.logTail).toBe(`[0, 0, 0, 0, 0] 1 ${['x64', 'arm64'].includes(process.arch) ? 2 : 0}\n`);
  });

  test('what could open a way out is refused by the kernel', async () => {
    await using on = await bench(level);
    const end = await on.run(`
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def refused(call):
    return call() == -1 and ctypes.get_errno() in (1, 38)
print(refused(lambda: libc.unshare(0x10000000)), refused(lambda: libc.ptrace(0, 0, 0, 0)), refused(lambda: libc.mount(b'a', b'/tmp', b'tmpfs', 0, 0)),
      refused(lambda: libc.setns(0, 0)), *(refused(lambda: libc.syscall(number, 0, 0, 0, 0, 0)) for number in (425, 428, 438)))
for family in (16, 17, 38, 40):
    try: socket.socket(family, socket.SOCK_RAW); print('opened', family)
    except OSError: pass
pid = os.fork()
if pid == 0: os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`);
    expect(end.logTail).toBe(`${Array(7).fill('True').join(' ')}\n7\n`);
  });

  test('neither loopback nor the world answers', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => { server.once('listening', resolve); });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await using on = await bench(level);
    const end = await on.run(`
import os, socket
for where in (('127.0.0.1', ${port}), ('192.0.2.1', 80)):
    try: socket.create_connection(where, 1); print('connected', where)
    except OSError: print('no')
print(os.listdir('/sys') if os.path.exists('/sys') else 'no sys', len(open('/proc/net/unix').readlines()))
`);
    server.close();
    expect(end.logTail).toBe('no\nno\nno sys 1\n');
  });

  test('the daemon, its secrets and its files are not there', async () => {
    await using on = await bench(level);
    writeFileSync(`${on.folder}/holdout`, 'held out');
    const end = await on.run(`
import os
seen = set()
for pid in filter(str.isdigit, os.listdir('/proc')):
    for name in ('environ', 'cmdline'):
        try: seen.update(open(f'/proc/{pid}/{name}', 'rb').read().split(b'\\0'))
        except OSError: pass
print(any(b'sing' == word or b'CANARY' in word for word in seen), sorted(os.environ))
print([path for path in ('${on.folder}/holdout', '/etc/passwd', '/etc/shadow', '/proc/1/root/etc/passwd', '/proc/1/cwd/etc', '/home', '/var', '/run', '/mnt') if os.path.exists(path)])
print(os.listdir('/data'), os.listdir('/recipe'), len([pid for pid in os.listdir('/proc') if pid.isdigit()]))
`);
    const [secret, paths, shown] = end.logTail.split('\n');
    expect(secret?.startsWith("False ['BRIGADE_CLOCK', 'BRIGADE_CONTROL', 'BRIGADE_DATA', 'BRIGADE_EVAL', 'BRIGADE_MARK', 'BRIGADE_MOUNTS', 'BRIGADE_RECIPE', 'BRIGADE_WORK', 'HOME'")).toBe(true);
    expect(paths).toBe('[]');
    expect(shown).toBe('[] [] 2');
  });

  test('only standard streams and the scorer are open', async () => {
    await using on = await bench(level);
    const source = `
import os, stat
kinds = {fd: os.fstat(fd).st_mode for fd in range(256) if os.path.exists(f'/proc/self/fd/{fd}')}
print(sorted(kinds), os.readlink('/proc/self/fd/0'), [stat.S_ISSOCK(kinds[fd]) for fd in kinds if fd > 2])
import sys; sys.stdout.flush()
if 3 in kinds: os.write(3, b'done')
`;
    expect((await on.run(source)).logTail).toBe('[0, 1, 2] /dev/null []\n');
    writeFileSync(`${on.folder}/evaluator/scorer.py`, 'import json, os\nprint(json.dumps(os.read(3, 4).decode()))\n');
    const end = await on.run(source, { scorer: { command: ['python', 'scorer.py'], request: '' } });
    expect(end).toMatchObject({ kind: 'exited', scored: 'done', logTail: '[0, 1, 2, 3] /dev/null [True]\n' });
  });

  test('recipe, evaluator, data, interpreter, clock and system cannot be written', async () => {
    await using on = await bench(level);
    mkdirSync(`${on.folder}/set`);
    writeFileSync(`${on.folder}/set/train.bin`, 'words');
    writeFileSync(`${on.folder}/recipe/recipe.py`, 'WIDTH = 1\n');
    const end = await on.run(`
import os, sys
print(open('/data/train/train.bin').read(), open('/recipe/recipe.py').read().strip())
for path in ('/recipe/recipe.py', '/recipe/new', '/eval/command.py', '/eval/new', '/data/train/train.bin', '/data/new', '/clock', '/usr/new', '/new', '/dev/new', sys.prefix + '/new'):
    for attempt in (lambda: open(path, 'a').close(), lambda: os.chmod(path, 0o777), lambda: os.rename(path, '/tmp/x')):
        try: attempt(); print('changed', path)
        except OSError: pass
`, { data: { train: `${on.folder}/set` } });
    expect(end.logTail).toBe('words WIDTH = 1\n');
  });
});
