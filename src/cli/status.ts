import type { Command } from 'commander';
import type { z } from 'zod';
import { duration, oneLine } from '../domain/figures.ts';
import { headline, tallyLine } from '../domain/leaderboard.ts';
import type { Lineage } from '../domain/lineage.ts';
import { settingsOf } from '../domain/settings.ts';
import { summarize } from '../domain/summary.ts';
import { NoAnswer, type Bus } from '../ports.ts';
import { NamedActorState, type StateSchema } from '../protocols/actor.ts';
import { Mistake, nearest } from './mistake.ts';
import { jsonLine, reading, runCommand } from './reading.ts';
import type { Surroundings } from './surroundings.ts';
import { standingLine } from './view/lines.ts';
import { thinkingLines, thinkingObjects } from './view/thinking.ts';
import { aligned, painter } from './view/terminal.ts';

type State = z.infer<typeof StateSchema>;
interface Asked { readonly actor: string; readonly name: string; readonly state: State | null; readonly silence: string | null }

/** A healthy actor answers in milliseconds; one that takes longer than this is worth knowing about. */
const ANSWER_MS = 2_000;

/** `brigade status`: where a run stands, and what each of its actors is at. */
export function statusCommand(program: Command, here: Surroundings): void {
  runCommand(program, 'status', 'where a run stands and what each of its actors waits for', 'status --why specialist/kernel')
    .option('--why <actor>', 'everything one actor says of itself, e.g. broker or specialist/kernel')
    .action(async (run: string | undefined, flags: { json?: boolean; why?: string }) => reading(here, run, async (opened) => {
      const { lineage, bus } = opened;
      const paint = painter(here.color);
      const summary = summarize(opened.run, lineage, bus ? here.now() : lineage.newestAt);
      if (flags.why !== undefined) {
        if (!bus) throw new Mistake(`${opened.run} is not running, so no actor can be asked; brigade status ${opened.run} says how it ended`);
        const found = await ask(bus, opened.run, chosen(lineage, flags.why));
        here.out.write(flags.json ? jsonLine(found) : `${explain(found).join('\n')}\n`);
        return;
      }
      const actors = bus ? (await Promise.all(actorsOf(lineage).map((actor) => ask(bus, opened.run, actor)))).filter(({ actor, state }) => actor !== 'supervisor' || state !== null) : []; // one that was only begun has none
      const { started, imported } = lineage;
      if (flags.json) { here.out.write(jsonLine({ ...summary, roster: started?.rosterName ?? null, compose: started?.compose ?? null, running: bus !== null, limits: lineage.limits, thinking: thinkingObjects(lineage), actors })); return; }
      const lines = [...(started && !imported ? [settingsOf(started).join('   ')] : []), headline(summary), bus ? paint('strong', standingLine(summary)) : `${summary.state === 'stopped' ? `stopped: ${summary.reason ?? ''}` : `not running: brigade run --resume ${opened.run} goes on`}   ${tallyLine(summary)}`];
      const table = aligned(actors.map(({ actor, name, state, silence }) => [name === 'main' ? actor : `${actor}/${name}`, state ? state.state : paint('bad', 'silent'), state ? duration(state.sinceMs / 1000) : '', state ? oneLine(state.why) : silence ?? '']));
      here.out.write(`${[...lines, ...thinkingLines(lineage, paint), ...(table.length > 0 ? ['', ...table] : [])].join('\n')}\n`);
    }));
}

/** Who takes part in a run: one of each, a specialist a roster entry, an evaluator a node. */
const actorsOf = (lineage: Lineage): { actor: string; name: string }[] => [
  ...['supervisor', 'broker', 'lineage'].map((actor) => ({ actor, name: 'main' })),
  ...[...lineage.nodes.keys()].map((name) => ({ actor: 'evaluator', name })),
  ...(lineage.started?.proposer === 'replay' ? ['replayer'] : lineage.started?.roster ?? []).map((name) => ({ actor: 'specialist', name })),
];

function chosen(lineage: Lineage, asked: string): { actor: string; name: string } {
  const all = actorsOf(lineage);
  const called = (one: { actor: string; name: string }): string => (one.name === 'main' ? one.actor : `${one.actor}/${one.name}`);
  const found = all.find((one) => called(one) === asked || one.name === asked || `${one.actor}/${one.name}` === asked) ?? (all.filter((one) => one.actor === asked).length === 1 ? all.find((one) => one.actor === asked) : undefined);
  if (found) return found;
  const near = nearest(asked, all.map(called));
  throw new Mistake(`no actor is called ${asked}${near ? `; did you mean ${near}?` : ''} The actors are ${all.map(called).join(', ')}`);
}

async function ask(bus: Bus, run: string, { actor, name }: { actor: string; name: string }): Promise<Asked> {
  try {
    return { actor, name, state: await bus.ask(NamedActorState, { actor, run, name }, {}, { timeoutMs: ANSWER_MS }), silence: null };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { actor, name, state: null, silence: error.reason === 'nobody' ? 'nobody answers: it is not running' : error.reason === 'timeout' ? `no answer within ${duration(ANSWER_MS / 1000)}` : oneLine(error.message) };
  }
}

/** One actor's own account of itself, one fact a line. */
function explain({ actor, name, state, silence }: Asked): string[] {
  const called = name === 'main' ? actor : name;
  if (!state) return [`${called}   ${silence ?? 'silent'}`];
  return [`${called}   in \`${state.state}\` since ${duration(state.sinceMs / 1000)}   ${oneLine(state.why)}   process ${state.pid}`, ...aligned(Object.entries(state.context).map(([key, value]) => [`  ${key}`, value === null ? 'none' : oneLine(String(value))]))];
}
