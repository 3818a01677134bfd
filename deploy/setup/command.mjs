import { execFile, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { forgetChild, noteChild } from './lock.mjs';

const running = new Set();

/** Ends every command that is still running; for signals. */
export function endCommands() {
  for (const pid of running) {
    try { process.kill(-pid, 'SIGKILL'); } catch { /* it ended by itself */ }
  }
}

/**
 * Runs a long command as a process group of its own, its output appended to a log, and ends the group at the time limit.
 * Resolves to null when it succeeded, else to what happened.
 */
export async function runLogged({ command, log, lockFolder, timeoutMs, cwd, env = {} }) {
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, 'a');
  writeSync(output, `$ ${command.join(' ')}\n`);
  const [file, ...args] = command;
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  return new Promise((resolve) => {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it ended by itself */ }
    }, timeoutMs);
    if (child.pid) {
      running.add(child.pid);
      noteChild(lockFolder, child.pid);
    }
    const end = (problem) => {
      clearTimeout(timer);
      if (child.pid) {
        running.delete(child.pid);
        forgetChild(lockFolder, child.pid);
      }
      resolve(problem);
    };
    child.once('error', (error) => end(`${file} did not start (${error.code})`));
    child.once('exit', (code, signal) => end(code === 0 ? null : expired ? `no end after ${timeoutMs / 1000} s` : `exit ${code ?? signal}`));
  });
}

/** Runs a short command and returns what it printed, or null when it failed. */
export function read(command, { timeoutMs = 30_000, env = {} } = {}) {
  const [file, ...args] = command;
  return new Promise((resolve) => {
    execFile(file, args, { timeout: timeoutMs, killSignal: 'SIGKILL', env: { ...process.env, ...env } }, (error, stdout, stderr) => resolve(error ? null : `${stdout}${stderr}`));
  });
}
