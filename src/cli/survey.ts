import type { Command } from 'commander';
import { join, relative, resolve } from 'node:path';
import { build, type Edit } from '../actors/specialist/index.ts';
import { openClock } from '../adapters/clock/index.ts';
import { patches } from '../adapters/patches/index.ts';
import { openSyntax } from '../adapters/python/index.ts';
import { findToolchain, projectRoot } from '../adapters/toolchain/index.ts';
import { describeEnding } from '../domain/evidence.ts';
import { BASELINE, type TrialId } from '../domain/ids.ts';
import type { Lineage } from '../domain/lineage.ts';
import { ProposeTrial } from '../protocols/trial.ts';
import { conductRun, requireEnding } from './conduct.ts';
import { configure, type RunFlags } from './config.ts';
import { onInterrupt } from './interrupt.ts';
import { loadLibrary } from './library.ts';
import { Mistake } from './mistake.ts';
import { loadToRun } from './needs.ts';
import { openRun } from './open-run.ts';
import { freshRunId, runDir } from './place.ts';
import { keysOption, natsOption } from './server.ts';
import type { Surroundings } from './surroundings.ts';

type Flags = RunFlags & { readonly json?: boolean; readonly only?: string; readonly nats?: string; readonly keys?: string };

/** How long to leave a broker alone that has enough to do. */
const BUSY_MS = 500;

/** Adds `brigade survey`: every program edit of a surface measured once, each by itself on the baseline. */
export function surveyCommand(program: Command, around: Surroundings): void {
  program.command('survey <surface>').description('measure every program edit of a surface once, each by itself on the baseline, and print the table')
    .option('--slots <n>', 'slots of this machine (default: its cores)').option('--only <specialist>', 'only the edits of one specialist').option('--json', 'print one JSON object an edit')
    .addOption(natsOption('a nats-server of yours instead of one of its own')).addOption(keysOption())
    .addHelpText('after', '\nExample:\n  $ brigade survey golf-mini --only optimizer')
    .action(async (name: string, flags: Flags) => survey(around, name, flags));
}

async function survey(around: Surroundings, name: string, flags: Flags): Promise<void> {
  const { place, out } = around;
  const toolchain = await findToolchain(projectRoot());
  const surface = await loadToRun(place, name, { roster: null, isAlone: flags.nats === undefined });
  await using syntax = await openSyntax({ python: toolchain.python });
  const library = await loadLibrary(surface.dir, syntax);
  const edits = library.filter(({ specialist }) => flags.only === undefined || specialist === flags.only);
  if (edits.length === 0) throw new Mistake(`${join('surfaces', name, 'edits')} has no edit${flags.only ? ` of ${flags.only}` : ''}`);
  const patched = edits.map((edit) => {
    const built = build(surface.recipe, [`edit:${edit.specialist}/${edit.name}`], library, syntax);
    if (built.kind === 'refused') throw new Mistake(`edits/${edit.specialist}/${edit.name}.py cannot be applied to the baseline: ${built.reason}`);
    return { edit, patch: patches.diff(surface.recipe, built.recipe) };
  });
  const config = configure(surface, { ...flags, keep: 'strict', trials: String(edits.length + 1), minutes: '100000' });
  const run = await freshRunId(place, `${name}-survey`, new Date());
  const say = (line: string): void => { process.stderr.write(`${line}\n`); };
  const conducted = await conductRun({ place, run, surface: name, roster: null, config, specialists: false, composer: null, extend: (limits) => limits, models: null, slots: config.slots, sandbox: config.sandbox, url: flags.nats ?? null, keys: flags.keys === undefined ? null : resolve(flags.keys), onStep: say });
  const clock = openClock();
  const interrupt = onInterrupt(conducted, say);
  const over = new AbortController();
  void conducted.ended.catch(() => undefined).then(() => over.abort(new Error('the run is over')));
  const until = AbortSignal.any([interrupt.asked, over.signal]);
  const trials = new Map<TrialId, Edit>();
  try {
    let isDone = false;
    try {
      void tell().catch(() => undefined); // it ends with the run
      await Promise.all([...new Set(edits.map(({ specialist }) => specialist))].map(async (specialist) => { // side by side, because each may have only so many open
        for (const { edit, patch } of patched.filter((one) => one.edit.specialist === specialist)) {
          const trial = await ask(edit, patch);
          if (trial) trials.set(trial, edit);
        }
      }));
      isDone = await results(trials.keys());
    } catch (error) {
      if (!until.aborted) throw error;
    } finally {
      if (!until.aborted) await conducted.askToStop();
      await conducted.ended;
    }
    const ended = await conducted.ended;
    requireEnding(ended, run, relative(process.cwd(), runDir(place, run)) || '.');
    if (interrupt.asked.aborted) process.exitCode = 130;
    else if (!isDone) {
      process.exitCode = 2;
      say(`${run} ended before every edit was measured${ended.kind === 'stopped' ? `: ${ended.reason}` : ''}`);
    }
  } finally {
    interrupt.stop();
    await conducted.close();
  }
  const opened = await openRun(place, run);
  try { print(out, opened.lineage, new Map([...trials].sort(([, a], [, b]) => edits.indexOf(a) - edits.indexOf(b))), flags.json === true); } finally { await opened.close(); }

  /** Waits for the results of some trials; false when the run ended before. */
  async function results(wanted: Iterable<TrialId>): Promise<boolean> {
    const left = new Set(wanted);
    if (left.size === 0) return true;
    for await (const fact of conducted.session.journal(run).follow({ after: 0, signal: until })) {
      if (fact.word === 'trial.result' && left.delete(fact.ids[0]) && left.size === 0) return true;
    }
    return false;
  }

  async function tell(): Promise<void> {
    let ended = 0;
    for await (const fact of conducted.session.journal(run).follow({ after: 0, signal: until })) {
      if (fact.word === 'trial.result' && fact.ids[0] !== BASELINE) say(`${++ended} of ${edits.length}   ${fact.body.status}   ${fact.body.hypothesis}`);
    }
  }

  async function ask(edit: Edit, patch: string): Promise<TrialId | null> {
    for (;;) {
      until.throwIfAborted();
      const reply = await conducted.session.bus.ask(ProposeTrial, { run }, {
        clientId: `survey-${edit.specialist}-${edit.name}`.slice(0, 64), feedback: null,
        proposal: { specialist: edit.specialist, parent: BASELINE, asOf: 0, hypothesis: edit.hypothesis, expectedDelta: 0, patch, parts: [], proposer: { kind: 'operator', strategy: 'survey', moves: [`edit:${edit.specialist}/${edit.name}`] }, tokens: 0, money: 0 },
      }, { timeoutMs: 15_000, signal: until }).catch(() => ({ kind: 'busy' as const })); // the broker may still be starting
      if (reply.kind === 'admitted') return reply.trial;
      if (reply.kind === 'rejected') { say(`${edit.specialist}/${edit.name}: ${reply.rejection.message}`); return null; }
      if (reply.kind === 'closed') throw new Error(`${run} takes no more trials: ${reply.reason}`);
      await clock.wait(BUSY_MS, until);
    }
  }
}

function print(out: { write(text: string): unknown }, lineage: Lineage, trials: ReadonlyMap<TrialId, Edit>, json: boolean): void {
  const base = lineage.calibration?.mean ?? null;
  if (!json) out.write(`| edit | ${lineage.started?.objective.metric ?? 'score'} | against the baseline's ${base?.toFixed(4) ?? 'unknown'} ± ${lineage.calibration?.sd.toFixed(4) ?? 'unknown'} | bytes | ended |\n|---|---|---|---|---|\n`);
  for (const [trial, edit] of trials) {
    const row = lineage.trials.get(trial);
    const result = row?.result;
    const delta = result?.score != null && base !== null ? result.score - base : null;
    const failed = row && result?.failure ? describeEnding(row) : result ? 'measured' : 'not measured';
    out.write(json
      ? `${JSON.stringify({ edit: `${edit.specialist}/${edit.name}`, trial, status: result?.status ?? null, score: result?.score ?? null, delta, artifactBytes: result?.artifactBytes ?? null, failure: result?.failure ?? null, source: edit.source })}\n`
      : `| ${edit.specialist}/${edit.name} | ${result?.score?.toFixed(4) ?? ''} | ${delta === null ? '' : `${delta < 0 ? '−' : '+'}${Math.abs(delta).toFixed(4)}`} | ${result?.artifactBytes ?? ''} | ${failed} |\n`);
  }
}

