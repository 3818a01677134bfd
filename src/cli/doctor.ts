import type { Command } from 'commander';
import { diagnose, projectRoot, type Check } from '../adapters/toolchain/index.ts';
import { natsOption } from './server.ts';

/** `brigade doctor`: what a run needs on this machine, tried one by one, with the remedy for what is missing. */
export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('try everything a run needs on this machine, and say the remedy for what is missing')
    .addOption(natsOption('look at this running nats-server instead of our own'))
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nexample: brigade doctor --nats nats://127.0.0.1:4222')
    .action(async ({ nats, json }: { nats?: string; json?: true }) => {
      const checks = await diagnose(projectRoot(), { nats: nats ?? null });
      for (const check of checks) process.stdout.write(`${json ? JSON.stringify(check) : render(check)}\n`);
      if (checks.some(({ ok }) => ok === 'bad')) process.exitCode = 1;
    });
}

const MARKS = { ok: '✓', weak: '!', bad: '✗' } as const;

function render({ name, ok, says, remedy }: Check): string {
  return `${MARKS[ok]} ${name.padEnd(12)} ${says}${remedy === null ? '' : `: ${remedy}`}`;
}
