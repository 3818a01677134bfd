import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Bus, Journal, Ports } from '../ports.ts';
import { Progress } from '../protocols/actor.ts';
import { Mistake } from './mistake.ts';

// A daemon that kills itself at a named step, so that a test sees what becomes of a run that dies there: BRIGADE_CRASH_AT=broker.after-run.best:1,evaluator.at-train:2
// With `:stop` at its end the daemon only stops, until somebody lets it go on: it comes back from the dead.
//
//   F1. A step is before or after the daemon records a fact or asks a command, by its word, or where a phase of a real trial begins.
//   F2. Each comes true once a run, at its n-th time in one process: what is started again in its place lives.
//   F3. Without the variable nothing is wrapped.

interface Failpoint { readonly daemon: string; readonly name: string; readonly step: string; readonly signal: 'SIGKILL' | 'SIGSTOP'; left: number }

/** The ports of one daemon, wrapped where the environment names a step of it. `dir` remembers which came true. */
export function failing(ports: Ports, daemon: string, dir: string, asked = process.env.BRIGADE_CRASH_AT ?? ''): Ports {
  const points = asked.split(',').filter((each) => each !== '').map((each): Failpoint => {
    const [, of, step, n, stop] = /^(\w+)\.([\w.-]+):(\d+)(:stop)?$/.exec(each) ?? [];
    if (of === undefined || step === undefined || Number(n) < 1) throw new Mistake(`BRIGADE_CRASH_AT=${each} must be <daemon>.<step>:<n>, such as broker.after-trial.result:1`);
    return { daemon: of, name: `${of}.${step}`, step, signal: stop === undefined ? 'SIGKILL' : 'SIGSTOP', left: Number(n) };
  }).filter((point) => point.daemon === daemon);
  if (points.length === 0) return ports; // F3
  const at = (step: string): void => {
    for (const point of points) if (point.step === step && --point.left === 0 && isFirst(dir, point.name)) process.kill(process.pid, point.signal);
  };
  const around = async <T>(what: string, doing: () => Promise<T>): Promise<T> => { // F1
    at(`before-${what}`);
    const done = await doing();
    at(`after-${what}`);
    return done;
  };
  const { journal, bus } = ports;
  const record: Journal['record'] = (word, ...said) => around(word, () => journal.record(word, ...said));
  const ask: Bus['ask'] = (command, ids, request, options) => around(command.pattern.split('.').filter((token) => !token.startsWith(':')).join('.'), () => bus.ask(command, ids, request, options));
  const tell: Bus['tell'] = (message, ids, body) => {
    bus.tell(message, ids, body);
    const progress = message.pattern === Progress.pattern ? Progress.body.safeParse(body).data : undefined;
    if (progress?.trial != null && progress.trial !== 'canary' && progress.seconds === 0) at(`at-${progress.phase}`);
  };
  return { ...ports, journal: { ...journal, record }, bus: { ...bus, ask, tell } };
}

/** Says that a failpoint comes true, where nobody has said it in this run. */
function isFirst(dir: string, name: string): boolean { // F2
  mkdirSync(dir, { recursive: true });
  try { openSync(join(dir, name), 'wx'); return true; } catch { return false; }
}
