// One set-up at a time in a checkout, whoever is killed and whenever.
//
//   K1. Who holds the lock is whoever wrote the highest-numbered lock file and still lives: ending, in any way, releases it.
//   K2. A number is taken by linking a finished file, so that a half-written lock cannot be seen and one of two takers loses.
//   K3. What a killed holder left running is killed before the lock counts as taken.
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const WAIT_LIMIT_MS = 45 * 60_000;

/** Takes the lock, waiting for a living holder. `onWait` is told its pid once. */
export async function takeLock(folder, onWait) {
  mkdirSync(folder, { recursive: true });
  const started = Date.now();
  for (let told = false; Date.now() - started < WAIT_LIMIT_MS;) {
    const newest = numbers(folder)[0] ?? 0;
    const holder = newest === 0 ? null : read(join(folder, `lock.${newest}`));
    if (holder && isAlive(holder)) {
      if (!told) onWait(holder.pid);
      told = true;
      await wait(200);
      continue;
    }
    if (!claim(folder, newest + 1)) continue;
    if (numbers(folder)[0] !== newest + 1) { // K1: a slower taker must not win with an older number
      rmSync(join(folder, `lock.${newest + 1}`), { force: true });
      continue;
    }
    for (const older of numbers(folder).slice(1)) rmSync(join(folder, `lock.${older}`), { force: true });
    await endOrphans(folder); // K3
    return;
  }
  throw new Error(`another set-up held ${folder} for ${WAIT_LIMIT_MS / 60_000} minutes`);
}

/** Notes a child that leads its own process group, so that the next holder can end it if this one is killed. */
export function noteChild(folder, pid) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `child.${pid}`), JSON.stringify(identity(pid)));
}

/** Forgets a child that has ended. */
export function forgetChild(folder, pid) {
  rmSync(join(folder, `child.${pid}`), { force: true });
}

function numbers(folder) {
  return readdirSync(folder).flatMap((name) => /^lock\.(\d+)$/.exec(name)?.[1] ?? []).map(Number).sort((a, b) => b - a);
}

function claim(folder, number) {
  const draft = join(folder, `draft.${process.pid}`);
  writeFileSync(draft, JSON.stringify(identity(process.pid)));
  try {
    linkSync(draft, join(folder, `lock.${number}`)); // K2
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

async function endOrphans(folder) {
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith('child.'))) {
    const child = read(join(folder, name));
    if (child && isAlive(child)) {
      try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it ended by itself */ }
      for (let tries = 0; tries < 50 && isAlive(child); tries++) await wait(100);
    }
    rmSync(join(folder, name), { force: true });
  }
}

function read(file) {
  try {
    const { pid, born } = JSON.parse(readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && pid > 1 ? { pid, born } : null;
  } catch {
    return null;
  }
}

function identity(pid) {
  return { pid, born: birth(pid) };
}

/** Start time of a process as Linux counts it, without which a reused pid would look like the old holder; null elsewhere. */
function birth(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'gone' : fields[19];
  } catch {
    return null;
  }
}

function isAlive({ pid, born }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
  const now = birth(pid);
  return now === null || born === null || now === born;
}
