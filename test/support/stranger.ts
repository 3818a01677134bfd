import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../src/adapters/toolchain/index.ts';

const run = promisify(execFile);

/** A git repository of somebody who never heard of Brigade. */
export interface Stranger extends AsyncDisposable {
  readonly folder: string;
  put(files: Readonly<Record<string, string>>): Promise<void>;
  commit(): Promise<void>;
  /** Runs the built program in this folder. */
  brigade(...args: string[]): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
}

/** Makes a repository with some files committed. */
export async function openStranger(files: Readonly<Record<string, string>>): Promise<Stranger> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'brigade-stranger-')));
  const git = (...args: string[]) => run('git', ['-c', 'user.name=somebody', '-c', 'user.email=somebody@example.org', ...args], { cwd: folder });
  const stranger: Stranger = {
    folder,
    async put(more) {
      for (const [path, text] of Object.entries(more)) { await mkdir(dirname(join(folder, path)), { recursive: true }); await writeFile(join(folder, path), text); }
    },
    async commit() { await git('add', '-A'); await git('commit', '-q', '-m', 'work'); },
    brigade: (...args) => new Promise((resolve, reject) => {
      const { BRIGADE_RUNS: _, ...environment } = process.env;
      const child = spawn(process.execPath, [join(projectRoot(), 'dist', 'main.js'), ...args], { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
      let [out, err] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text; });
      child.stderr.setEncoding('utf8').on('data', (text: string) => { err += text; });
      child.once('error', reject).once('close', (code) => resolve({ code, out, err }));
    }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
  await git('init', '-q');
  if (Object.keys(files).length > 0) { await stranger.put(files); await stranger.commit(); }
  return stranger;
}

/** A script with a model of its own, as people write them. */
export const SCRIPT: Readonly<Record<string, string>> = {
  'net.py': `import torch.nn as nn


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, x):
        return self.layers(x)
`,
  'train.py': `import argparse

import torch
import torch.nn.functional as F

from net import Net


def make_points(count, generator):
    x = torch.rand(count, 2, generator=generator) * 4 - 2
    return x, torch.sin(x[:, :1] * 2) * torch.cos(x[:, 1:])


def train(model, optimizer, x, y, args):
    for step in range(args.steps):
        pick = torch.randint(len(x), (args.batch_size,))
        loss = F.mse_loss(model(x[pick]), y[pick])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def evaluate(model, x, y):
    with torch.no_grad():
        return F.mse_loss(model(x), y).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--lr', type=float, default=0.05)
    parser.add_argument('--steps', type=int, default=60)
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--width', type=int, default=16)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--log-interval', type=int, default=10)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(0)
    x, y = make_points(256, generator)
    model = Net(args.width)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    train(model, optimizer, x, y, args)
    print(f'val_loss: {evaluate(model, *make_points(256, generator)):.5f}')


if __name__ == '__main__':
    main()
`,
};
