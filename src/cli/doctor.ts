import type { Command } from 'commander';
import { inspectServer } from '../adapters/nats/index.ts';
import { diagnose, findToolchain, projectRoot, type Check } from '../adapters/toolchain/index.ts';
import { diagnoseDevices } from './doctor-devices.ts';
import { modelFlagsIn, modelsBy, type ModelFlags } from './models-flags.ts';
import { keysOption, natsOption } from './server.ts';

/** `brigade doctor`: what a run needs on this machine, tried one by one, with the remedy for what is missing; with a model, what its endpoint can do. */
export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('try everything a run needs on this machine, and say the remedy for what is missing')
    .addOption(natsOption('look at this running nats-server instead of our own, and refuse one that facts are not safe on'))
    .addOption(keysOption())
    .option('--model [name]', 'instead of the machine: make small calls to this model, and say what its endpoint can do')
    .option('--models <file>', 'likewise, to every model in a file of models (docs/models.md)')
    .option('--base-url <url>', 'endpoint of --model (default OPENAI_BASE_URL, or that of OpenAI)').option('--price <in,out[,cached]>', 'what a million of its tokens cost')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExamples:\n  $ brigade doctor\n  $ brigade doctor --nats tls://head:4222 --keys nats/keys\n  $ brigade doctor --model qwen3 --base-url http://127.0.0.1:8000/v1\n  $ brigade doctor --models models.yaml')
    .action(async ({ nats, keys, json, model, ...flags }: { nats?: string; keys?: string; json?: true; model?: string | true } & Omit<ModelFlags, 'model'>) => {
      const named = typeof model === 'string' ? { ...flags, model } : flags;
      const checks = model === undefined && modelFlagsIn(named).length === 0 ? [...await diagnose(projectRoot(), { hasServer: nats !== undefined }), ...nats === undefined ? [] : await inspectServer({ url: nats, keys: keys ?? null }), ...await diagnoseDevices(process.env.BRIGADE_DEVICES ?? null, process.env, await pythonDevice())] : await modelChecks(named);
      for (const check of checks) process.stdout.write(`${json ? JSON.stringify(check) : render(check)}\n`);
      if (checks.some(({ ok }) => ok === 'bad')) process.exitCode = 1;
    });
}

const pythonDevice = (): Promise<'cpu' | 'cuda' | null> => findToolchain(projectRoot()).then(({ device }) => device, () => null);

/** Loaded only where it is asked for: its client takes a while. */
async function modelChecks(flags: ModelFlags): Promise<readonly Check[]> {
  const { diagnoseModels } = await import('./doctor-model.ts');
  return diagnoseModels(await modelsBy(flags, { names: null, environment: process.env }));
}

const MARKS = { ok: '✓', weak: '!', bad: '✗' } as const;

function render({ name, ok, says, remedy }: Check): string {
  return `${MARKS[ok]} ${name.padEnd(12)} ${says}${remedy === null ? '' : `: ${remedy}`}`;
}
