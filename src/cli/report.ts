import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from 'commander';
import { exportRun } from '../adapters/report/index.ts';
import { jsonLine, reading, runCommand } from './reading.ts';
import type { Surroundings } from './surroundings.ts';

/** `brigade report`: everything a run leaves behind, written again. */
export function reportCommand(program: Command, here: Surroundings): void {
  runCommand(program, 'report', 'write the report, the tables, every diff and the git trajectory of a run', 'report golf-mini-1121a')
    .option('--open <yes|no>', 'open the report in a browser', 'no')
    .action(async (run: string | undefined, flags: { json?: boolean; open: string }) => reading(here, run, async (opened) => {
      const { files } = await exportRun(opened, { fresh: true });
      const page = join(opened.dir, 'report.html');
      here.out.write(flags.json ? jsonLine({ run: opened.run, report: page, files }) : `${page}\n`);
      if (flags.open === 'yes') openInBrowser(page);
    }));
}

/** Asks the desktop to show a file; where there is none, nothing happens, and the path was printed. */
function openInBrowser(path: string): void {
  const [program, ...rest] = process.platform === 'darwin' ? ['open'] : process.platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open'];
  const child = spawn(program ?? 'xdg-open', [...rest, path], { detached: true, stdio: 'ignore' });
  child.on('error', () => undefined);
  child.unref();
}
