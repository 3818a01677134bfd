import type { Command } from 'commander';
import { join } from 'node:path';
import { build, type Edit } from '../actors/specialist/index.ts';
import { openClock } from '../adapters/clock/index.ts';
import { patches } from '../adapters/patches/index.ts';
import { openSyntax } from '../adapters/python/index.ts';
import { loadSurface } from '../adapters/surfaces/index.ts';
import { findToolchain } from '../adapters/toolchain/index.ts';
import { describeEnding } from '../domain/evidence.ts';
import { BASELINE, type TrialId } from '../domain/ids.ts';
import type { Lineage } from '../domain/lineage.ts';
import { ProposeTrial } from '../protocols/trial.ts';
import { conductRun } from './conduct.ts';
import { configure, type RunFlags } from './config.ts';
import { loadLibrary } from './library.ts';
import { Mistake } from './mistake.ts';
import { openRun } from './open-run.ts';
import { freshRunId } from './place.ts';
import type { Surroundings } from './surroundings.ts';

/** How long to leave a broker alone that has enough to do. */
const BUSY_MS = 500;

/** Adds `brigade survey`: every program edit of a surface measured once, each by itself on the baseline. */
export function surveyCommand(program: Command, around: Surroundings): void {
  program.command('survey <surface>').description('measure every program edit of a surface once, each by itself on the baseline, and print the table')
    .option('--slots <n>', 'slots of this machine (default: its cores)').option('--only <specialist>', 'only the edits of one specialist').option('--json', 'print one JSON object an edit')
    .addHelpText('after', '\nExample:\n  $ brigade survey golf-mini --only optimizer')
    .action(async (name: string, flags: RunFlags & { json?: boolean; only?: string }) => survey(around, name, flags));
}

async function survey(around: Surroundings, name: string, flags: RunFlags & { json?: boolean; only?: string }): Promise<void> {
  const { place, out } = around;
  const toolchain = await findToolchain(place.root);
  const surface = await loadSurface(place.root, name);
  const syntax = await openSyntax({ python: toolchain.python });
  const library = (await loadLibrary(surface.dir, syntax));
  const edits = library.filter(({ specialist }) => flags.only === undefined || specialist === flags.only);
  if (edits.length === 0) throw new Mistake(`${join('surfaces', name, 'edits')} has no edit${flags.only ? ` of ${flags.only}` : ''}`);
  const config = configure(surface, { ...flags, keep: 'strict', trials: String(edits.length + 1), minutes: '100000' });
  const run = await freshRunId(place, `${name}-survey`, new Date());
  const conducted = await conductRun({ place, run, surface: name, config, specialists: false, extend: (limits) => limits, slots: config.slots, sandbox: config.sandbox, url: null, keys: null, onStep: (says) => process.stderr.write(`${says}\n`) });
  const clock = openClock();
  const stop = new AbortController();
  const interrupted = (): void => { stop.abort(new Error('interrupted')); void conducted.askToStop(); };
  process.once('SIGINT', interrupted);
  const trials = new Map<TrialId, Edit>();
  try {
    for (const edit of edits) {
      const built = build(surface.recipe, [`edit:${edit.specialist}/${edit.name}`], library, syntax);
      if (built.kind === 'refused') throw new Mistake(`edits/${edit.specialist}/${edit.name}.py cannot be applied to the baseline: ${built.reason}`);
      const trial = await ask(edit, patches.diff(surface.recipe, built.recipe));
      if (trial) trials.set(trial, edit);
    }
    await results(trials.keys());
    await conducted.askToStop();
    await conducted.ended;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exitCode = 130;
    await conducted.ended;
  } finally {
    process.off('SIGINT', interrupted);
    await conducted.close();
    await syntax[Symbol.asyncDispose]();
  }
  const opened = await openRun(place, run);
  try { print(out, opened.lineage, trials, flags.json === true); } finally { await opened.close(); }

  async function results(wanted: Iterable<TrialId>): Promise<void> {
    const left = new Set(wanted);
    if (left.size === 0) return;
    for await (const fact of conducted.session.journal(run).follow({ after: 0, signal: stop.signal })) {
      if (fact.word !== 'trial.result' || !left.delete(fact.ids[0])) continue;
      process.stderr.write(`${edits.length - left.size} of ${edits.length}   ${fact.body.hypothesis}\n`);
      if (left.size === 0) return;
    }
  }

  async function ask(edit: Edit, patch: string): Promise<TrialId | null> {
    for (;;) {
      stop.signal.throwIfAborted();
      const reply = await conducted.session.bus.ask(ProposeTrial, { run }, {
        clientId: `survey-${edit.specialist}-${edit.name}`.slice(0, 64), feedback: null,
        proposal: { specialist: edit.specialist, parent: BASELINE, asOf: 0, hypothesis: edit.hypothesis, expectedDelta: 0, patch, parts: [], proposer: { kind: 'operator', strategy: 'survey', moves: [`edit:${edit.specialist}/${edit.name}`] }, tokens: 0, money: 0 },
      }, { timeoutMs: 15_000 }).catch(() => ({ kind: 'busy' as const })); // the broker may still be starting
      if (reply.kind === 'admitted') return reply.trial;
      if (reply.kind === 'rejected') { process.stderr.write(`${edit.specialist}/${edit.name}: ${reply.rejection.message}\n`); return null; }
      if (reply.kind === 'closed') throw new Mistake(`the run closed: ${reply.reason}`);
      await clock.wait(BUSY_MS, stop.signal);
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

