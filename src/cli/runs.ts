import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { execa } from 'execa';
import { z } from 'zod';
import { exportRun, LEFT_BEHIND } from '../adapters/report/index.ts';
import { readNote } from '../adapters/traces/index.ts';
import { change, decimal, duration } from '../domain/figures.ts';
import { Mistake } from './mistake.ts';
import { findRun, listRunFiles, readLive, runDir, type Place, type RunFile } from './place.ts';
import { jsonLine, reading } from './reading.ts';
import { restoreCommand } from './restore.ts';
import type { Surroundings } from './surroundings.ts';
import { aligned, painter } from './view/terminal.ts';

/** The part of summary.json that a list shows; a run that left none is listed without it. */
const SummarySchema = z.object({
  state: z.string(), trials: z.number(), keeps: z.number(), metric: z.string(), wallSeconds: z.number(),
  best: z.object({ trial: z.string(), score: z.number().nullable(), from: z.number().nullable().default(null) }),
});

/** `brigade runs`: every run made here, and giving one away or removing it. */
export function runsCommand(program: Command, here: Surroundings): void {
  const { place, out } = here;
  const runs = program.command('runs').description('every run made here, newest last').option('--json', 'print one JSON object a line')
    .addHelpText('after', '\nExamples:\n  $ brigade runs\n  $ brigade runs export golf-mini-1121a night.tar.gz\n  $ brigade runs remove golf-mini-1121a --yes\n  $ brigade runs restore golf-mini-1121a')
    .action(async (flags: { json?: boolean }) => {
      const listed = await Promise.all((await listRunFiles(place)).map((file) => about(place, file)));
      if (flags.json) for (const one of listed) out.write(jsonLine(one));
      else if (listed.length === 0) out.write('there is no run yet: start one with brigade run golf-mini\n');
      else out.write(`${table(listed, painter(here.color)).join('\n')}\n`);
    });
  runs.command('export <run> <file>').description('what a run leaves behind, as one .tar.gz without keys or server store').option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ brigade runs export golf-mini-1121a night.tar.gz')
    .action(async (run: string, file: string, flags: { json?: boolean }) => reading(here, run, async (opened) => {
      const target = resolve(file);
      if (existsSync(target)) throw new Mistake(`${file} exists: give another name, or remove it`);
      await exportRun(opened);
      const names = LEFT_BEHIND.filter((name) => existsSync(join(opened.dir, name)));
      await execa('tar', ['-czf', target, '-C', join(opened.dir, '..'), ...names.map((name) => `${opened.run}/${name}`)]);
      out.write(flags.json ? jsonLine({ run: opened.run, file: target, holds: names }) : `${target}   ${names.join(' ')}\n`);
    }));
  restoreCommand(runs, here);
  runs.command('remove <run>').description('remove a run and everything it left behind').option('--yes', 'really').option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ brigade runs remove golf-mini-1121a --yes')
    .action(async (name: string, flags: { yes?: boolean; json?: boolean }) => {
      const file = await findRun(place, name);
      const live = await readLive(place, file.run);
      const dir = runDir(place, file.run);
      if (live) throw new Mistake(`${file.run} is running (process ${live.pid}): brigade stop ${file.run} first`);
      if (!flags.yes) throw new Mistake(`this removes ${dir} with its journal: say --yes, or keep a copy first with brigade runs export ${file.run} FILE`);
      await rm(dir, { recursive: true });
      const kept = file.url === null ? '' : `; what lies on ${file.url} is left: nats stream rm BRIGADE_EVT_${file.run}, and OBJ_BRIGADE_BLOBS_${file.run}`;
      out.write(flags.json ? jsonLine({ run: file.run, removed: dir, server: file.url }) : `removed ${dir}${kept}\n`);
    });
}

interface About { readonly run: string; readonly surface: string; readonly state: string; readonly dir: string; readonly summary: z.infer<typeof SummarySchema> | null }

async function about(place: Place, file: RunFile): Promise<About> {
  const dir = runDir(place, file.run);
  const live = await readLive(place, file.run);
  const summary = await readFile(join(dir, 'summary.json'), 'utf8').then((text) => SummarySchema.safeParse(JSON.parse(text)).data ?? null, () => null);
  return { run: file.run, surface: file.surface, state: live ? 'running' : file.surface === 'imported' && (await readNote(dir)) !== null ? 'imported' : summary?.state === 'stopped' ? 'stopped' : 'interrupted', dir, summary };
}

const table = (runs: readonly About[], paint: ReturnType<typeof painter>): string[] => aligned([
  ['run', 'surface', 'state', 'best', '', 'trials', 'time'],
  ...runs.map(({ run, surface, state, summary }) => {
    const best = summary?.best ?? null;
    const gained = best?.score != null && best.from !== null && best.score !== best.from ? change(best.score, best.from) : '';
    return [run, surface, paint(state === 'running' ? 'good' : state === 'interrupted' ? 'warn' : 'plain', state), best?.score == null ? '' : `${decimal(best.score)} (${best.trial})`, gained, summary ? String(summary.trials) : '', summary ? duration(summary.wallSeconds) : ''];
  }),
]);
