import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

// LMDB has no checksums: a flipped bit is read silently and a damaged meta page kills the process that reads it.
// So a child process opens the store first, walks all of it, proves the hash chain, and writes once.

const PROBE = `
const { createHash } = require('node:crypto');
const [lmdb, path, start] = process.argv.slice(1);
const sha = (text) => createHash('sha256').update(text).digest('hex');
const root = require(lmdb).open({ path, noSubdir: true, maxDbs: 8, encoding: 'string' });
const facts = root.openDB({ name: 'facts', encoding: 'string', keyEncoding: 'uint32' });
const meta = root.openDB({ name: 'meta', encoding: 'string' });
const said = meta.get('position');
let applied = 0, chain = start, rows = 0;
for (const { key, value } of facts.getRange({})) {
  const first = value.indexOf('\\n'), second = value.indexOf('\\n', first + 1);
  if (key <= applied || first < 0 || second < 0) throw new Error('row ' + key + ' is out of order or broken');
  chain = sha(chain + '\\n' + key + '\\n' + value.slice(first + 1, second) + '\\n' + sha(value.slice(second + 1)) + '\\n' + value.slice(0, first));
  applied = key; rows += 1;
}
const position = said === undefined ? { applied: 0, chain: start } : JSON.parse(said);
if (position.applied !== applied || position.chain !== chain) throw new Error('the chain over ' + rows + ' rows does not match the stored position ' + position.applied);
meta.transactionSync(() => { meta.putSync('probed', String(process.pid)); });
process.stdout.write('sound');
process.exit(0);`;

/** Whether a store can be used, found out at a child's risk; a string says why not. */
export function probe(path: string, chainStart: string): Promise<string | null> {
  const lmdb = createRequire(import.meta.url).resolve('lmdb');
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['-e', PROBE, lmdb, path, chainStart], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] ?? '' } });
    let out = '';
    let errors = '';
    child.stdout.on('data', (bytes: Buffer) => { out += bytes.toString(); });
    child.stderr.on('data', (bytes: Buffer) => { errors = `${errors}${bytes.toString()}`.slice(-2_000); });
    const deadline = setTimeout(() => { child.kill('SIGKILL'); }, 60_000); // a damaged tree can be walked for ever
    child.once('error', (error) => { clearTimeout(deadline); resolve(error.message); });
    child.once('close', (code, signal) => {
      clearTimeout(deadline);
      if (code === 0 && out === 'sound') resolve(null);
      else resolve(signal ? `reading it ends a process with ${signal}` : /(?:Error|error): ?(.*)/.exec(errors)?.[1]?.slice(0, 200) ?? `reading it fails with code ${code}`);
    });
  });
}
