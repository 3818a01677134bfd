import { MemorySaver, type BaseCheckpointSaver } from '@langchain/langgraph';
import { startLineage } from '../../src/actors/lineage/index.ts';
import { startSpecialist } from '../../src/actors/specialist/index.ts';
import { again, llmProposer, openBursar, openErrands, type Budget } from '../../src/actors/specialist/session/index.ts';
import { volatileStore } from '../../src/adapters/lmdb/volatile.ts';
import { openModel, type Method } from '../../src/adapters/model/index.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { Bus } from '../../src/ports.ts';
import { ProposeTrial } from '../../src/protocols/trial.ts';
import type { SessionLimits, Setting } from '../../src/domain/prompt.ts';
import { openAiServer, type OpenAiServer, type Script } from '../support/openai-server.ts';
import { byPatch, world, type World, type WorldOptions } from '../support/world.ts';
import { STARTED } from '../support/story.ts';

const RUN = 'toy-1';
export const LIMITS: SessionLimits = { turns: 24, tokens: 400_000, seconds: 10_000, output: 1_000, submissions: 3, money: null };

/** A store in memory whose writer dies at its n-th write, and every write after, as a process that was killed would. */
export function mortalSaver(): { readonly saver: BaseCheckpointSaver; writes: number; diesAt: number } {
  const held = { saver: new MemorySaver() as BaseCheckpointSaver, writes: 0, diesAt: Infinity };
  const put = held.saver.put.bind(held.saver);
  held.saver.put = async (...given) => {
    held.writes += 1;
    if (held.writes >= held.diesAt) throw new Error('killed');
    return put(...given);
  };
  return held;
}

export interface Rig extends AsyncDisposable {
  readonly world: World;
  readonly server: OpenAiServer;
  /** What the broker said to proposals, in order. */
  readonly answers: readonly string[];
  /** Virtual milliseconds that pass with each real one, or a little more: 20 until it is told otherwise. */
  pace: number;
  /** Starts a specialist that thinks with the scripted model. */
  think(specialist: string, options?: { readonly saver?: BaseCheckpointSaver; readonly limits?: Partial<SessionLimits>; readonly budget?: Budget; readonly baseURL?: string; readonly method?: Method; readonly bus?: Bus; readonly price?: { input: number; cached: number; output: number } }): { readonly done: Promise<void> } & AsyncDisposable;
  /** Facts so far, once this is true of them; time goes on meanwhile. */
  until(question: (facts: readonly Fact[]) => boolean): Promise<readonly Fact[]>;
}

/** A run in memory with the real broker, keeper and trials, and specialists that ask a real endpoint. */
export async function rig(script: Script, options: Partial<WorldOptions> & { readonly lineage?: boolean; readonly roster?: readonly string[]; readonly knowledge?: Setting['knowledge'] } = {}): Promise<Rig> {
  const server = await openAiServer(script);
  const { lineage = true, roster = ['optimizer', 'data'], knowledge = [] } = options;
  const w = await world({ measure: byPatch, durationMs: 100, ...options, started: { proposer: 'llm', roster, arm: { ...STARTED.arm, agents: roster.length, lineage }, keep: { kind: 'strict', alpha: 0.01, replicates: 2 }, limits: { ...STARTED.limits, trials: 50 }, ...options.started } });
  let isOver = false;
  const answers: string[] = [];
  const bus: Bus = {
    ...w.ports.bus,
    async ask(command, ids, request, within) {
      const answer = await w.ports.bus.ask(command, ids, request, within);
      if (command.pattern === ProposeTrial.pattern) answers.push(ProposeTrial.reply.parse(answer).kind);
      return answer;
    },
  };
  const held = { pace: 20 };
  const pump = (async () => {
    while (!isOver) {
      await w.clock.advance(held.pace);
      await new Promise((resolve) => setTimeout(resolve, 1)); // the endpoint is real, and answers in real time
    }
  })();
  const broker = await w.startBroker();
  await w.startNode('atlas');
  const stop = new AbortController();
  const briefs = roster.map((specialist) => ({ specialist, scope: `the ${specialist}`, nonScope: 'the rest', editRadius: 'one idea' }));
  const keeper = await startLineage(w.ports, { store: volatileStore(null), verify: () => true, briefs, claims: [] }, { run: RUN, signal: stop.signal });
  const setting: Setting = {
    surface: { name: 'toy', title: 'a toy' }, knowledge, roster: briefs, claims: [], addable: [], ownership: 'enforced', keep: { kind: 'strict', alpha: 0.01, replicates: 2 }, lineage, slots: { kind: 'cpu', count: 1, minimumMemoryBytes: 1 },
    spec: { objective: STARTED.objective, scoreSource: 'evaluator', seeds: 1, scoreSeconds: null, phases: [], artifact: { file: 'a', capBytes: 100 }, gates: [], limits: { memoryBytes: 1e9, processes: 1, openFiles: 1, scratchBytes: 1, logBytes: 1 } },
  };
  let names = 0;
  const living: AsyncDisposable[] = [];
  return {
    world: w, server, answers,
    get pace() { return held.pace; },
    set pace(ms) { held.pace = ms; },
    think(specialist, { saver = new MemorySaver(), limits = {}, budget = { tokens: null, money: null }, baseURL = server.baseURL, method = 'tools', bus: own = bus, price } = {}) {
      const model = openModel({ model: 'scripted', baseURL, key: null, temperature: null, reasoning: null, method, price: price ?? null, patience: { firstSeconds: 290, silenceSeconds: 290 } }); // longer than any test: what hangs is ended by whoever is to end it
      const store = { saver, notice: null, threads: async () => { const found = new Set<string>(); for await (const each of saver.list({})) found.add(String(each.config.configurable?.['thread_id'])); return [...found]; }, async [Symbol.asyncDispose]() {} };
      const proposer = llmProposer(
        { model, store, clock: w.clock, presence: w.ports.presence, patches, bursar: openBursar(own, { run: RUN, specialist, model: model.name, budget }), errands: openErrands(own, { run: RUN, specialist, signal: stop.signal }) },
        { run: RUN, specialist, setting, limits: { ...LIMITS, ...limits }, newName: () => `name-${++names}`, restMs: (failure, failures) => again(failure, failures, 0.5) },
      );
      const actor = startSpecialist({ ...w.ports, bus: own }, { proposer }, { run: RUN, specialist, lineage, concurrent: 1, signal: stop.signal });
      living.push(actor);
      return actor;
    },
    async until(question) {
      const limit = performance.now() + 100_000;
      for (;;) {
        const facts = await w.facts();
        if (question(facts)) return facts;
        if (performance.now() > limit) throw new Error(`it never came true: ${facts.slice(-12).map((fact) => `${fact.word} ${fact.ids.join('.')} ${JSON.stringify(fact.body).slice(0, 120)}`).join('\n')}\n${JSON.stringify(w.ports.presence.logged.slice(-5))}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the test is over'));
      for (const each of living) await each[Symbol.asyncDispose]();
      await keeper[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      isOver = true;
      await pump;
    },
  };
}
