import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fact } from '../../src/domain/fact.ts';
import { NoAnswer } from '../../src/ports.ts';
import { NoteRun } from '../../src/protocols/run.ts';
import type { Lab } from './lab.ts';

// Who looks on while the run goes: at the journal, at what an operator is promised, and at the processes of every slot.

const NOTE_MS = 1_000;
const LOOK_MS = 200;
const SIZE_MS = 5_000;

/** What a fact says, place included, in one line. */
export const digestOf = (fact: Fact): string => createHash('sha256').update(`${fact.seq} ${[fact.word, ...fact.ids].join('.')} ${JSON.stringify(fact.body)}`).digest('hex').slice(0, 16);

export interface Watch extends AsyncDisposable {
  /** Ends the operator's notes: from then on nobody but the daemons says anything. */
  hush(): Promise<void>;
  /** Facts as they were seen, in order. */
  readonly facts: readonly Fact[];
  /** Resolves at the first fact after a moment that answers yes; null when patience ends. */
  until(what: (fact: Fact) => boolean, options: { readonly after: number; readonly patienceMs: number; readonly signal?: AbortSignal }): Promise<Fact | null>;
}

/** Begins to look on; everything seen goes to the history. */
export async function lookOn(lab: Lab): Promise<Watch> {
  const { history } = lab;
  const stop = new AbortController();
  const over = stop.signal;
  const facts: Fact[] = [];
  const seenAt: number[] = [];
  const waiting = new Set<() => void>();
  const reader = await lab.session('operator');
  const follow = async (): Promise<void> => {
    for await (const fact of reader.journal(lab.run).follow({ after: facts.at(-1)?.seq ?? 0, signal: over })) {
      facts.push(fact);
      appendFileSync(join(lab.folder, 'journal.jsonl'), `${JSON.stringify(fact)}\n`);
      seenAt.push(history.now());
      history.add({ kind: 'fact', seq: fact.seq, word: fact.word, digest: digestOf(fact), takenAt: fact.at, lateMs: Math.max(0, Date.now() - fact.at) });
      for (const each of [...waiting]) each();
    }
  };
  const operator = await lab.session('operator');
  const quiet = new AbortController();
  const ask = async (): Promise<void> => {
    for (let n = 1; !over.aborted && !quiet.signal.aborted; n++) {
      const op = `note-${n}`;
      history.add({ kind: 'invoke', op });
      await operator.bus.ask(NoteRun, { run: lab.run }, { note: op }, { timeoutMs: 5_000, signal: over }).then(
        ({ ok, message }) => history.add(ok ? { kind: 'ok', op } : { kind: 'info', op, why: message }),
        (error: unknown) => history.add({ kind: error instanceof NoAnswer && error.reason === 'nobody' ? 'fail' : 'info', op, why: error instanceof Error ? error.message : String(error) }),
      );
      await sleep(NOTE_MS, undefined, { signal: AbortSignal.any([over, quiet.signal]) }).catch(() => undefined);
    }
  };
  const complain = (error: unknown): void => { if (!over.aborted) history.add({ kind: 'says', text: `an onlooker stopped: ${String(error)}` }); };
  const read = async (): Promise<void> => {
    while (!over.aborted) { // without its reader the lab would take every run for dead
      await follow().catch(complain);
      await sleep(LOOK_MS, undefined, { signal: over }).catch(() => undefined);
    }
  };
  const asking = ask().catch(complain);
  const loops = [read(), asking, ...[lookAtSlots(lab, over), weigh(lab, over)].map((loop) => loop.catch(complain))];
  return {
    facts,
    async hush() {
      quiet.abort();
      await asking;
    },
    until: (what, { after, patienceMs, signal }) => new Promise((resolve) => {
      const look = (): void => {
        const i = facts.findIndex((fact, n) => (seenAt[n] ?? 0) > after && what(fact));
        if (i >= 0) finish(facts[i] ?? null);
      };
      const finish = (found: Fact | null): void => { clearTimeout(late); signal?.removeEventListener('abort', leave); waiting.delete(look); resolve(found); };
      const leave = (): void => finish(null);
      const late = setTimeout(() => finish(null), patienceMs);
      waiting.add(look);
      signal?.addEventListener('abort', leave, { once: true });
      if (signal?.aborted === true) leave(); else look();
    }),
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('nobody looks on any more'));
      await Promise.all(loops);
    },
  };
}

/** Every group of processes that an evaluator's warden has going, as `host/slot` and the warden's own name for it. */
export async function groupsNow(lab: Lab): Promise<Map<string, string>> {
  const hostOf = new Map(lab.hosts.flatMap(({ group, name }) => (group === null ? [] : [[group, name]])));
  const found = new Map<string, string>();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const said = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    const place = /\/(brigade-nodes-[\w-]+)\/brigade\/(([\w-]+)\.\d+\.[\w.-]+)/.exec(said);
    const host = hostOf.get(place?.[1] ?? '');
    if (host === undefined || place?.[3]?.startsWith('probe') === true) continue;
    if (/^State:\s+[ZX]/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tX'))) continue;
    found.set(`${host}/${place?.[3]} ${place?.[2]}`, pid);
  }
  return found;
}

async function lookAtSlots(lab: Lab, over: AbortSignal): Promise<void> {
  let before = new Set<string>();
  let lastAt = 0;
  while (!over.aborted) {
    const at = lab.history.now(); // a look takes a while on a busy machine: what was seen last in one, and what first in the next, did not overlap
    const now = new Set((await groupsNow(lab)).keys());
    const say = (kind: 'up' | 'gone', which: string, seenAt: number): void => { const [slot = '', group = ''] = which.split(' '); lab.history.add({ kind, slot, group, at: seenAt }); };
    for (const each of before) if (!now.has(each)) say('gone', each, lastAt);
    for (const each of now) if (!before.has(each)) say('up', each, at);
    before = now;
    lastAt = at;
    await sleep(LOOK_MS, undefined, { signal: over }).catch(() => undefined);
  }
}

async function weigh(lab: Lab, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    for (const daemon of lab.everyone()) {
      const pid = daemon.pid();
      if (pid === null) continue;
      const resident = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))?.[1];
      const files = await readdir(`/proc/${pid}/fd`).then((names) => names.length, () => null);
      if (resident !== undefined && files !== null) lab.history.add({ kind: 'size', daemon: daemon.name, residentBytes: Number(resident) * 1024, files });
    }
    await sleep(SIZE_MS, undefined, { signal: over }).catch(() => undefined);
  }
}
