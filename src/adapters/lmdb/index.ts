import { copyFileSync, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { open } from 'lmdb';
import type { Fact } from '../../domain/fact.ts';
import type { FactStore } from '../../ports.ts';
import { CHAIN_START, chained, readRow, rowText } from './chain.ts';
import { probe } from './probe.ts';
import { volatileStore } from './volatile.ts';

// A lineage keeper's copy of the facts on disk.
//
//   P1. A fact and the position after it are written in one transaction; a batch that fails leaves nothing.
//   P2. A store is opened only after a child process has read all of it and proved its chain.
//   P3. What cannot be used is moved aside, never repaired: the journal has it all.
//       What is cleared is copied aside first: should the journal be the one that is wrong, it is all there is.
//   P4. No store is no reason to stop: then the copy lives in memory.

/** Opens the copy in a file, proved sound, or a fresh one. */
export async function openStore(path: string): Promise<FactStore> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const why = existsSync(path) ? await probe(path, CHAIN_START) : null; // P2
    if (why === null) return openSound(path, null);
    const aside = await quarantine(path);
    return openSound(path, `the copy at ${path} cannot be used (${why}): moved to ${aside}, made again from the journal`);
  } catch (error) {
    return volatileStore(`no copy can be kept at ${path} (${error instanceof Error ? error.message : String(error)}): the lineage is kept in memory only`); // P4
  }
}

/** Opens a copy that is there, proved sound, and leaves it where it lies whatever it is worth; a string says why it cannot be used. */
export async function openCopy(path: string): Promise<FactStore | string> {
  const why = existsSync(path) ? await probe(path, CHAIN_START) : 'there is none';
  return why ?? openSound(path, null);
}

const freeBeside = (path: string, what: 'damaged' | 'earlier'): string | null => Array.from({ length: 9 }, (_, n) => `${path}.${what}-${n + 1}`).find((aside) => !existsSync(aside)) ?? null;

async function quarantine(path: string): Promise<string> { // P3
  const aside = freeBeside(path, 'damaged');
  if (aside !== null) {
    await rename(path, aside);
    await rm(`${path}-lock`, { force: true });
    return aside;
  }
  await rm(path, { recursive: true, force: true }); // nine are enough to study
  return 'nowhere: nine older ones are kept';
}

function openSound(path: string, notice: string | null): FactStore {
  const root = open({ path, noSubdir: true, maxDbs: 8, encoding: 'string' });
  const facts = root.openDB<string, number>({ name: 'facts', encoding: 'string', keyEncoding: 'uint32' });
  const meta = root.openDB<string, string>({ name: 'meta', encoding: 'string' });
  const stored = meta.get('position');
  let at = stored === undefined ? { applied: 0, chain: CHAIN_START } : JSON.parse(stored) as { applied: number; chain: string };
  return {
    notice,
    position: () => at,
    apply(batch) {
      let { applied, chain } = at;
      root.transactionSync(() => { // P1
        for (const fact of batch) {
          if (fact.seq <= applied) continue;
          const text = rowText(fact);
          chain = chained(chain, fact.seq, text);
          applied = fact.seq;
          facts.putSync(fact.seq, text);
        }
        meta.putSync('position', JSON.stringify({ applied, chain }));
      });
      at = { applied, chain };
    },
    *read(after, upTo): Generator<Fact> {
      for (const { key, value } of facts.getRange({ start: after + 1, end: upTo + 1 })) yield readRow(key, value);
    },
    isSound() {
      let chain = CHAIN_START;
      for (const { key, value } of facts.getRange({ end: at.applied + 1 })) chain = chained(chain, key, value);
      return chain === at.chain;
    },
    clear() {
      const aside = at.applied > 0 ? freeBeside(path, 'earlier') : null;
      if (aside !== null) copyFileSync(path, aside); // P3
      root.transactionSync(() => { facts.clearSync(); meta.putSync('position', JSON.stringify({ applied: 0, chain: CHAIN_START })); });
      at = { applied: 0, chain: CHAIN_START };
    },
    async [Symbol.asyncDispose]() { await root.close(); },
  };
}
