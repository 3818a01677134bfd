// A stand-in for the daemon that owns a warden: starts one, runs the phase given as JSON on its command line, beats, and says what it hears.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const [python, warden, open, job] = process.argv.slice(2);
const child = spawn(python, ['-I', warden], { stdio: ['pipe', 'pipe', 'inherit'], env: {}, detached: true });
child.stdin.on('error', () => undefined); // the warden may be killed under it
const tell = (message) => child.stdin.write(`${JSON.stringify(message)}\n`);
tell({ op: 'open', ...JSON.parse(open) });
setInterval(() => tell({ op: 'beat' }), 100);
createInterface({ input: child.stdout }).on('line', (line) => {
  if (JSON.parse(line).event === 'open') tell({ op: 'run', job: JSON.parse(job) });
  process.stdout.write(`${child.pid} ${line}\n`);
});
