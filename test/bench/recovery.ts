import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { runDir, type Place } from '../../src/cli/place.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { copyProgram } from '../nodes/program.ts';
import { single, spread, type Bench, type Figure } from './figure.ts';
import { openLive, type Live } from './live.ts';

// kill -9 of one part of a real run after another, and how long until a fact shows that the part works again: the time by which the server wrote that
// fact, less the moment of the kill. The supervisor starts again what died, as in any run.

const RUN = 'bench-recovery';
const LINGER_SECONDS = 0.3;
/** Budgets so many times longer, that a machine with other work to do fails no canary; what is measured stays as short. */
const SLOW = 10;
/** A part that takes longer has not recovered. */
const PATIENCE_MS = 120_000;

/** How things stood when a part was killed. */
interface Before { readonly position: number; readonly term: number; readonly atMs: number }

interface Part {
  readonly name: string;
  readonly says: string;
  /** Whose process it is among those that pulse; null is the server, which does not. */
  readonly actor: string | null;
  readonly standby: boolean;
  /** Asked of every fact after the kill, in order: whether it shows that the part works. */
  readonly works: (before: Before) => (fact: Fact) => boolean;
}

const isDecision = ({ word }: Fact): boolean => word === 'lease.granted' || word === 'trial.result' || word === 'trial.admitted';
const readAfter = (fact: Fact, position: number): string | null => ((fact.word === 'trial.admitted' || fact.word === 'trial.rejected') && fact.body.proposal.asOf > position ? fact.body.proposal.specialist : null);

/** A term that was taken since, and then a decision under it. */
const decides = ({ term }: Before): ((fact: Fact) => boolean) => {
  let isTaken = false;
  return (fact) => {
    isTaken ||= fact.word === 'broker.took' && Number(fact.ids[0]) > term;
    return isTaken && isDecision(fact);
  };
};
/** A node that enrolled anew, and then a measurement of its own. */
const measures = (): ((fact: Fact) => boolean) => {
  let node: string | null = null;
  return (fact) => {
    if (fact.word === 'node.enrolled') node = fact.ids[0];
    return fact.word === 'trial.measured' && fact.ids[3] === node;
  };
};

const PARTS: readonly Part[] = [
  { name: 'broker', says: 'to the first decision under the next term', actor: 'broker', standby: false, works: decides },
  { name: 'evaluator node', says: 'enrolled anew, to its first measurement', actor: 'evaluator', standby: false, works: measures },
  { name: 'specialist', says: 'to its first proposal on what it read afterwards', actor: 'specialist optimizer', standby: false, works: ({ position }) => (fact) => readAfter(fact, position) === 'optimizer' },
  { name: 'lineage keeper', says: 'to the first proposal on what anybody read of it afterwards', actor: 'lineage', standby: false, works: ({ position }) => (fact) => readAfter(fact, position) !== null },
  { name: 'nats-server', says: 'to the first decision that it takes again', actor: null, standby: false, works: ({ atMs }) => (fact) => fact.at > atMs + 20 && isDecision(fact) }, // what it wrote in its last moment is no sign
  { name: 'broker with another standing by', says: 'to the first decision under the next term', actor: 'broker', standby: true, works: decides },
];

export const recovery: Bench = {
  name: 'recovery',
  says: 'seconds until a run of tiny goes on after kill -9 of each of its parts',
  async measure({ root, folder, isQuick, say }) {
    await mkdir(folder, { recursive: true });
    const program = await copyProgram(root, folder, 'tiny', 'tiny', { slow: SLOW, lingerSeconds: LINGER_SECONDS });
    const place: Place = { root: program.original, runs: join(folder, 'runs') };
    await using live = await openLive({ place, main: program.main, run: RUN, args: ['run', 'tiny', '--proposer', 'random', '--trials', '5000', '--minutes', '30', '--slots', '2'] });
    await using standby = standbyOf(live, place, program.main);
    await live.until(({ word, ids: [trial] }) => word === 'trial.result' && trial !== 't0000', { after: 0, patienceMs: 2 * PATIENCE_MS });
    const readings = new Map<Part, number[]>(PARTS.map((part) => [part, []]));
    for (const [part, seconds] of readings) {
      for (let kill = 0; kill < (isQuick ? 1 : 3); kill++) {
        if (part.standby) await standby.isThere();
        const took = await kill9(live, place, part);
        say(`recovery: kill -9 of the ${part.name}, ${took.toFixed(2)} s`);
        seconds.push(took);
      }
    }
    await standby[Symbol.asyncDispose]();
    live.signal('SIGINT');
    const { code, said } = await live.end();
    if (code !== 130) throw new Error(`the run ended with ${code} after its kills: ${said}`);
    const { stdout } = await promisify(execFile)(process.execPath, [program.main, 'verify', RUN], { cwd: place.root, env: { ...process.env, BRIGADE_RUNS: place.runs } }); // throws where a stored status does not follow from the journal
    const kills = [...readings.values()].flat().length;
    const figures: Figure[] = [...readings].map(([{ name, says }, seconds]) => spread({ name: `kill -9 of the ${name}`, unit: 's', aim: { of: 'max', bound: 'at most', value: 15 }, note: says }, seconds));
    return [...figures, single({ name: 'statuses that no longer follow after all of them', unit: 'facts', aim: { of: 'p50', bound: 'at most', value: 0 }, note: `${kills} kills; brigade verify: ${stdout.trim().split('   ').slice(0, 2).join(', ')}` }, 0, live.facts.length)];
  },
};

/** Kills a part's process; answers the seconds until a fact showed that it works, when whoever took its place can be killed in turn. */
async function kill9(live: Live, place: Place, part: Part): Promise<number> {
  const pidOf = async (): Promise<number> => (part.actor === null ? Number(await readFile(join(runDir(place, RUN), 'nats', 'nats.pid'), 'utf8').catch(() => '')) : live.pids.get(part.actor) ?? 0);
  const victim = await pidOf();
  if (!isAlive(victim)) throw new Error(`there is no ${part.name} to kill`);
  const position = await live.session.journal(RUN).position();
  const before: Before = { position, term: Math.max(0, ...live.facts.map(({ fact }) => (fact.word === 'broker.took' ? Number(fact.ids[0]) : 0))), atMs: Date.now() };
  process.kill(victim, 'SIGKILL');
  const sign = await live.until(part.works(before), { after: position, patienceMs: PATIENCE_MS });
  for (const since = performance.now(); performance.now() - since < PATIENCE_MS;) {
    const next = await pidOf();
    if (next !== victim && isAlive(next)) break;
    await sleep(50);
  }
  const settled = live.facts.at(-1)?.fact.seq ?? 0;
  await live.until(({ word }) => word === 'trial.result', { after: settled, patienceMs: PATIENCE_MS });
  return (sign.at - before.atMs) / 1000;
}

/** A second broker of the run, started whenever none stands by. */
function standbyOf(live: Live, place: Place, main: string): { isThere(): Promise<void> } & AsyncDisposable {
  let child: ChildProcess | null = null;
  const stands = (): boolean => [...live.pids].some(([name, pid]) => name.startsWith('broker ') && pid !== live.pids.get('broker') && isAlive(pid));
  return {
    async isThere() {
      for (const since = performance.now(); !stands() && performance.now() - since < PATIENCE_MS;) {
        if (child === null || child.exitCode !== null || child.signalCode !== null) {
          child = spawn(process.execPath, [main, 'broker', '--run', RUN], { cwd: place.root, env: { ...process.env, BRIGADE_RUNS: place.runs }, stdio: 'ignore' });
        }
        await sleep(100);
      }
      if (!stands()) throw new Error('no broker stands by');
    },
    async [Symbol.asyncDispose]() {
      if (child === null || child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise<void>((resolve) => { child?.once('exit', () => resolve()); });
      child.kill('SIGTERM');
      await gone;
    },
  };
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try { process.kill(pid, 0); return true; } catch { return false; }
}
