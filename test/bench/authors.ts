import { setTimeout as sleep } from 'node:timers/promises';
import { patches } from '../../src/adapters/patches/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { BASELINE, type TrialId } from '../../src/domain/ids.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import type { Ports } from '../../src/ports.ts';
import { ProposeTrial } from '../../src/protocols/trial.ts';

/** One knob a specialist of tiny, so that every proposal is a new recipe that breaks no rule. */
const KNOBS = [
  { specialist: 'optimizer', file: 'optimizer.py', name: 'RATE' },
  { specialist: 'architecture', file: 'model.py', name: 'SCALE' },
  { specialist: 'data', file: 'data.py', name: 'POINTS' },
  { specialist: 'kernel', file: 'kernel.py', name: 'PADDING' },
] as const;

/** A proposal that was admitted; `askedMs` by this process's own clock. */
interface Proposed { readonly trial: TrialId; readonly askedMs: number; readonly ended: Promise<void> }

/** Everybody who proposes in a null run. */
export interface Authors {
  /** To be told every fact of the run. */
  readonly onFact: (fact: Fact) => void;
  /** Resolves once the baseline is the best. */
  readonly ready: Promise<void>;
  /** Proposes once, on the newest best, and resolves when that was admitted; `ended` when the trial's result was read. */
  propose(author: number, clientId?: string): Promise<Proposed>;
  /** The same until the result was read; answers the milliseconds that it took. */
  tryOnce(author: number): Promise<number>;
}

/** Authors that propose real patches, in turn under the names of a roster; of `ports.journal` only its run's name is used. */
export function openAuthors({ bus, journal: { run } }: Ports, baseline: Recipe, roster: readonly string[] = KNOBS.map(({ specialist }) => specialist)): Authors {
  const recipes = new Map<TrialId, Recipe>([[BASELINE, baseline]]);
  const waiting = new Map<TrialId, () => void>();
  const ended = new Set<TrialId>();
  let head: TrialId = BASELINE;
  let position = 0;
  let proposed = 0;
  let begin = (): void => undefined;
  const ready = new Promise<void>((resolve) => { begin = resolve; });
  return {
    ready,
    onFact(fact) {
      position = fact.seq;
      if (fact.word === 'run.best' && recipes.has(fact.body.trial)) head = fact.body.trial;
      if (fact.word !== 'trial.result') return;
      if (fact.ids[0] === BASELINE) begin();
      ended.add(fact.ids[0]);
      waiting.get(fact.ids[0])?.();
      waiting.delete(fact.ids[0]);
    },
    propose,
    async tryOnce(author) {
      const { askedMs, ended: end } = await propose(author);
      await end;
      return performance.now() - askedMs;
    },
  };

  async function propose(author: number, clientId = `c${proposed + 1}`): Promise<Proposed> {
    const knob = KNOBS[author % KNOBS.length] ?? KNOBS[0];
    const parent = head;
    const before = recipes.get(parent) ?? baseline;
    const after: Recipe = { ...before, [knob.file]: (before[knob.file] ?? '').replace(new RegExp(`^${knob.name} = .*$`, 'm'), `${knob.name} = ${1000 + ++proposed}`) };
    const request = {
      clientId, feedback: null,
      proposal: {
        specialist: roster[author % roster.length] ?? knob.specialist, parent, asOf: position, hypothesis: `${knob.name} at ${1000 + proposed} should fit better`, expectedDelta: -0.01, patch: patches.diff(before, after), parts: [],
        proposer: { kind: 'search' as const, strategy: 'screen', moves: [`knob:${knob.file}:${knob.name}=${1000 + proposed}`] }, tokens: 0, money: 0,
      },
    };
    const askedMs = performance.now();
    for (;;) {
      const answer = await bus.ask(ProposeTrial, { run }, request, { timeoutMs: 60_000 });
      if (answer.kind === 'busy') { await sleep(1); continue; }
      if (answer.kind !== 'admitted') throw new Error(`a proposal of the bench was ${answer.kind}: ${JSON.stringify(answer)}`);
      recipes.set(answer.trial, after);
      return { trial: answer.trial, askedMs, ended: ended.has(answer.trial) ? Promise.resolve() : new Promise<void>((resolve) => { waiting.set(answer.trial, resolve); }) };
    }
  }
}
