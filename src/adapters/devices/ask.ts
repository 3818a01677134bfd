import { execFile } from 'node:child_process';

/** A driver that is stuck answers nobody; whoever waits for it must be told so. */
const PATIENCE_MS = 20_000;

export type Answer = { readonly kind: 'said'; readonly text: string } | { readonly kind: 'absent' } | { readonly kind: 'failed'; readonly why: string };

/** Runs a vendor's own tool with an environment of its own; its first line of complaint is why it failed. */
export function ask(program: string, args: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: PATIENCE_MS, killSignal: 'SIGKILL', maxBuffer: 1 << 22, env: { PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' } }, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: 'said', text: stdout });
      else if (error.code === 'ENOENT') resolve({ kind: 'absent' });
      else resolve({ kind: 'failed', why: error.killed === true ? `${program} did not answer for ${PATIENCE_MS / 1000} s` : `${program} failed: ${(`${stderr}\n${stdout}`.trim().split('\n')[0] ?? '').slice(0, 200) || `exit code ${String(error.code)}`}` });
    });
  });
}

/** The first of several places where a tool may lie that has it, with what it said there. */
export async function askAny(places: readonly string[], args: readonly string[]): Promise<{ readonly program: string; readonly answer: Answer } | null> {
  for (const program of places) {
    const answer = await ask(program, args);
    if (answer.kind !== 'absent') return { program, answer };
  }
  return null;
}
