import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

const PROBE = `
const { createHash } = require('node:crypto');
const [lmdb, path] = process.argv.slice(1);
const root = require(lmdb).open({ path, noSubdir: true, encoding: 'string' });
for (const { key, value } of root.getRange({})) {
  const end = value.indexOf('\\n'), text = value.slice(end + 1);
  if (end < 0 || value.slice(0, end) !== createHash('sha256').update(text).digest('hex').slice(0, 32)) throw new Error('record ' + JSON.stringify(key) + ' is not as it was written');
  JSON.parse(text);
}
root.transactionSync(() => { root.putSync('probe', value()); });
function value() { const text = JSON.stringify(process.pid); return createHash('sha256').update(text).digest('hex').slice(0, 32) + '\\n' + text; }
process.stdout.write('sound');
process.exit(0);`;

const PATIENCE_MS = 30_000;

/** Whether a file of sessions can be used, found out at a child's risk; a string says why not. */
export function probe(path: string): Promise<string | null> {
  const lmdb = createRequire(import.meta.url).resolve('lmdb');
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['-e', PROBE, lmdb, path], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] ?? '' } });
    let [out, errors] = ['', ''];
    child.stdout.on('data', (bytes: Buffer) => { out += bytes.toString(); });
    child.stderr.on('data', (bytes: Buffer) => { errors = `${errors}${bytes.toString()}`.slice(-2_000); });
    const deadline = setTimeout(() => { child.kill('SIGKILL'); }, PATIENCE_MS); // a damaged tree can be walked for ever
    child.once('error', (error) => { clearTimeout(deadline); resolve(error.message); });
    child.once('close', (code, signal) => {
      clearTimeout(deadline);
      if (code === 0 && out === 'sound') resolve(null);
      else resolve(signal ? `reading it ends a process with ${signal}` : /(?:Error|error): ?(.*)/.exec(errors)?.[1]?.slice(0, 200) ?? `reading it fails with code ${code}`);
    });
  });
}
