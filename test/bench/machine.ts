import { execFileSync } from 'node:child_process';
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';

/** What figures were taken on: they mean nothing without it. */
export interface Machine {
  readonly cores: number; readonly cpu: string; readonly memoryGiB: number; readonly system: string;
  readonly node: string; readonly natsServer: string; readonly torch: string; readonly python: string; readonly sandbox: string;
  readonly commit: string;
  /** Load of the last minute before the bench began: above a tenth of the cores somebody else was at work. */
  readonly loadBefore: number;
}

/** Describes this machine and the versions set-up found on it. */
export async function describeMachine(root: string): Promise<Machine> {
  const toolchain = await findToolchain(root);
  return {
    cores: availableParallelism(), cpu: (cpus()[0]?.model ?? 'unknown').trim(), memoryGiB: Math.round(totalmem() / 2 ** 30), system: `${platform()} ${release()} ${arch()}`,
    node: process.versions.node, natsServer: toolchain.nats?.version ?? 'not ours', torch: `${toolchain.torchVersion} ${toolchain.device}`, python: toolchain.pythonVersion,
    sandbox: toolchain.bwrap === null ? 'without bubblewrap' : 'bubblewrap', commit: commitOf(root), loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

function commitOf(root: string): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const dirty = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'surfaces', 'evaluators', 'test/bench') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${dirty ? ' and changes on top' : ''}`;
  } catch {
    return 'unknown';
  }
}
