import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { RUN, type NullRun } from './null-run.ts';

/** How long each result of a while took, from the server taking it to the last of so many subscribers having it, in milliseconds. */
export async function fanOut({ server }: NullRun, subscribers: number, forMs: number): Promise<readonly number[]> {
  if (server === null) throw new Error('a journal in memory has no subscribers');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'subscribers.js'), server.url, server.keyFile('operator') ?? '', RUN, String(subscribers)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve) => { child.once('exit', () => resolve()); });
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line !== 'ready') return JSON.parse(line) as number[];
      await sleep(forMs);
      child.stdin.end();
    }
    throw new Error(`the ${subscribers} subscribers ended without a word`);
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}
