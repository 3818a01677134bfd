import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Fact } from '../../src/domain/fact.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import { slotWork, summarize } from '../../src/domain/summary.ts';
import { single, spread, type Bench } from './figure.ts';

export const utilisation: Bench = {
  name: 'utilisation',
  says: 'how busy the slots of a golf-mini run were (--run DIR, or the newest in runs/)',
  async measure({ root, run, say }) {
    const dir = run ?? await newest(join(root, 'runs'), 'golf-mini');
    if (dir === null) {
      say('utilisation: no run of golf-mini here has a journal.jsonl; brigade run golf-mini makes one');
      return [];
    }
    const lineage = await foldFile(dir);
    const { busyShare, slots, wallSeconds } = summarize(basename(dir), lineage);
    const work = slotWork(lineage);
    const idle = [...new Set(work.map(({ slot }) => slot))].flatMap((slot) => {
      const own = work.filter((each) => each.slot === slot);
      return own.slice(1).map((each, i) => Math.max(0, each.from - (own[i]?.to ?? each.from)));
    });
    const about = `${basename(dir)}: ${work.length} replicates on ${slots} slots in ${Math.round(wallSeconds)} s`;
    return [
      single({ name: 'slots busy', unit: '%', note: `${about}, from first to last work` }, busyShare === null ? null : busyShare * 100, work.length),
      spread({ name: 'idle between two replicates of a slot', unit: 'ms', note: 'by the server\'s time; waits for a proposal included' }, idle),
    ];
  },
};

async function newest(runs: string, surface: string): Promise<string | null> {
  const names = (await readdir(runs).catch(() => [])).filter((name) => name.startsWith(surface));
  const found = await Promise.all(names.map(async (name) => ({ dir: join(runs, name), at: await stat(join(runs, name, 'journal.jsonl')).then(({ mtimeMs }) => mtimeMs, () => 0) })));
  return found.filter(({ at }) => at > 0).sort((a, b) => b.at - a.at)[0]?.dir ?? null;
}

async function foldFile(dir: string): Promise<Lineage> {
  const lineage = emptyLineage();
  for await (const line of createInterface({ input: createReadStream(join(dir, 'journal.jsonl')) })) {
    if (line !== '') grow(lineage, JSON.parse(line) as Fact, basename(dir), () => true);
  }
  return lineage;
}
