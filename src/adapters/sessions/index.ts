import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BaseCheckpointSaver } from '@langchain/langgraph';
import { open } from 'lmdb';
import { probe } from './probe.ts';
import { lmdbSaver } from './saver.ts';

// The open session of one specialist, in a file of its own.
//
//   S1. It is opened only after a child process has read all of it: a damaged LMDB can kill its reader.
//   S2. What cannot be used is moved aside and said; the session in it is lost, and nothing else.

/** A store of sessions that can be closed. */
export interface LmdbSessions extends AsyncDisposable {
  readonly saver: BaseCheckpointSaver;
  /** What became of the file that was found, in words for the log; null when it was fine or there was none. */
  readonly notice: string | null;
  /** Sessions in it, in the order of their names. */
  threads(): Promise<readonly string[]>;
}

/** Opens the sessions in a file, proved readable, or begins a fresh one. */
export async function openSessionStore(path: string): Promise<LmdbSessions> {
  await mkdir(dirname(path), { recursive: true });
  const why = existsSync(path) ? await probe(path) : null; // S1
  const notice = why === null ? null : `the sessions at ${path} cannot be used (${why}): moved to ${await quarantine(path)}; a thought that was open in them is lost`; // S2
  const root = open<string, string>({ path, noSubdir: true, encoding: 'string' });
  const saver = lmdbSaver(root);
  return {
    saver, notice,
    threads: async () => saver.threads(),
    async [Symbol.asyncDispose]() { await root.close(); },
  };
}

async function quarantine(path: string): Promise<string> { // S2
  const aside = `${path}.damaged`; // the newest is enough to study
  await rm(aside, { recursive: true, force: true });
  await rename(path, aside);
  await rm(`${path}-lock`, { force: true });
  return aside;
}
