import { flawsOf, flawsText, type Flaw, type Stored } from '../../domain/damage.ts';
import type { RunId } from '../../domain/ids.ts';
import type { Clock, Copies, Copy, FactStore } from '../../ports.ts';
import { journalStream } from '../../protocols/streams.ts';

// Reading again, without end, what every server's disk holds of the journal: a damaged one says nothing, and serves what is left.
//
//   S1. Every copy is compared with what was read when it was said, position by position, once a round.
//   S2. Between two rounds nobody reads: what a server holds in memory it lets go after ten seconds, and only then it reads its disk.
//   S3. Reading takes a tenth of the time at most. A long journal makes long rounds, not a busy server.
//   S4. What seems damaged is looked at a second time, and by what the keeper itself holds: a server may be behind, and a keeper has a disk too.
//   S5. A server that is away is read when it is back. One that is behind may be joining: it is damaged when it has got no further in a whole round.

/** Long enough for S2; a round and the one after it are over in a minute, which is how long damage may go unseen. */
const ROUND_MS = 20_000;
const BATCH = 500;
const SHARE = 10;
/** Long enough for a server that was behind by a moment. */
const AGAIN_MS = 3_000;

/** The servers whose copies are damaged, with what is wrong with each; empty when none is. */
export type Damage = ReadonlyMap<string, readonly Flaw[]>;

/** The keeper's own copy changed under it: it is to be started anew, and make another. */
export class CopyUnsound extends Error {
  constructor(server: string) {
    super(`the keeper's own copy of the facts changed on its disk or in its memory, as comparing it with ${server} showed: the keeper starts again and makes another`);
    this.name = 'CopyUnsound';
  }
}

export interface ScrubOptions {
  readonly copies: Copies;
  readonly store: FactStore;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly roundMs?: number;
  /** Called after every round. */
  readonly onRound: (damage: Damage, servers: readonly string[]) => void;
  /** Called when a round could not be made. */
  readonly onTrouble: (error: unknown) => void;
}

/** Scrubs until aborted; rejects when it is the keeper's own copy that is damaged. */
export async function scrub({ copies, store, clock, signal, roundMs = ROUND_MS, onRound, onTrouble }: ScrubOptions): Promise<void> {
  const damage = new Map<string, readonly Flaw[]>();
  const behind = new Map<string, string>();
  const reading = { copies, store, clock, signal };
  while (!signal.aborted) {
    await clock.wait(roundMs, signal).catch(() => undefined); // S2
    if (signal.aborted) return;
    try {
      const servers = await copies.servers();
      const standing = new Map(servers.map(({ name, standing }) => [name, standing]));
      for (const server of [...damage.keys()]) if (!standing.has(server)) damage.delete(server);
      for (const left = new Set(servers.flatMap(({ name, standing }) => (standing === 'away' ? [] : [name]))); left.size > 0;) {
        const copy = await copies.open({ among: [...left], after: 0 });
        if (copy === null) break;
        const { server } = copy;
        left.delete(server);
        const flaws = await compare(copy, reading);
        const before = behind.get(server);
        behind.delete(server);
        if (flaws.length > 0 && standing.get(server) === 'behind') { // S5
          behind.set(server, flawsText(flaws));
          if (before === flawsText(flaws)) damage.set(server, flaws);
          continue;
        }
        const sure = flaws.length === 0 ? flaws : await lookAgain(server, reading); // S4
        if (sure.length > 0) damage.set(server, sure); else damage.delete(server);
      }
      if (!signal.aborted) onRound(damage, servers.map(({ name }) => name));
    } catch (error) {
      if (error instanceof CopyUnsound) throw error;
      if (!signal.aborted) onTrouble(error);
    }
  }
}

type Reading = Pick<ScrubOptions, 'copies' | 'store' | 'clock' | 'signal'>;

/** What one copy lacks of what was read (S1). */
async function compare(opened: Copy, { store, clock, signal }: Reading): Promise<Flaw[]> {
  await using copy = opened;
  const { applied } = store.position();
  const flaws: Flaw[] = [];
  let ahead: readonly Stored[] = [];
  for (let after = 0; after < applied && !signal.aborted;) {
    const since = clock.now();
    const wanted = Math.min(BATCH, applied - after);
    const got = [...ahead];
    let isOver = false;
    while (got.length < wanted && !isOver) {
      const more = await copy.next(wanted - got.length);
      isOver = more.length === 0;
      got.push(...more);
    }
    const upTo = isOver ? applied : after + wanted;
    flaws.push(...flawsOf(store.read(after, upTo), got, { after, upTo }));
    ahead = got.filter(({ seq }) => seq > upTo);
    after = upTo;
    if (after < applied) await clock.wait((clock.now() - since) * (SHARE - 1), signal).catch(() => undefined); // S3
  }
  return signal.aborted ? [] : flaws;
}

async function lookAgain(server: string, reading: Reading): Promise<readonly Flaw[]> {
  const { copies, store, clock, signal } = reading;
  if (!store.isSound()) throw new CopyUnsound(server);
  await clock.wait(AGAIN_MS, signal).catch(() => undefined);
  const copy = signal.aborted ? null : await copies.open({ among: [server], after: 0 });
  return copy === null ? [] : compare(copy, reading);
}

/** The damage in a sentence with its remedy. */
export function tellDamage(run: RunId, damage: Damage, servers: readonly string[]): string {
  const told = [...damage].map(([server, flaws]) => `${server}: ${flawsText(flaws)}`).join('; ');
  const [only] = damage.keys();
  const remedy = damage.size === 1 && servers.length > 1
    ? `the other servers have them. On ${only} stop nats-server, remove jetstream/CORE/streams/${journalStream(run).name} in its store, and start it: it fetches them`
    : `this keeper has them. Restart none of the run's daemons before they are back: brigade stop ${run}, then brigade runs restore ${run} here`;
  return `damaged copies of the journal: ${told}; ${remedy}`;
}
