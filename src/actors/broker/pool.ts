import type { NodeId } from '../../domain/ids.ts';
import { deal, levelWith, type Claim, type Grant } from '../../domain/pool.ts';
import type { Clock } from '../../ports.ts';

// The slots that the runs of one process share.
//
//   S1. Every run says what it would be leased and is told what it gets; what it got counts as held until it says again what it holds.
//   S2. Whoever else would get something is woken, and says afresh what it wants before it gets it.
//      Whoever says nothing for a while, as one whose journal is away, is dealt nothing and keeps nothing free: only what it holds stays its own.
//   S3. What is used counts from when runs want slots side by side: it is the one thing that is remembered here, and a new start begins level.

/** What a run says. */
export interface Wish extends Omit<Claim, 'used' | 'step'> {
  /** What its leases have taken since its beginning; what is out counted as expected. */
  readonly slotSeconds: number;
  /** Slot seconds that one more lease is expected to take. */
  readonly cost: number;
  /** Slots that a lease keeps from others for each that it takes. */
  readonly room: number;
  readonly priority: number;
}

/** One run's place among those that share. */
export interface Seat extends Disposable {
  /** Says what it would be leased now; answers what it is to say as leases at once. */
  ask(wish: Wish): readonly Grant[];
}

export interface Pool {
  /** A run takes part until its seat is given up. */
  join(wake: () => void): Seat;
}

interface Sitter { readonly wake: () => void; wish: Wish | null; granted: readonly Grant[]; used: number; isNew: boolean; askedMs: number }

/** A run at work says what it wants twice a second; one that does not for so long would keep slots free for work that it cannot begin. */
const STUCK_MS = 15_000;

/** Slots that nobody shares yet. */
export function openPool(clock: Pick<Clock, 'now'> = { now: () => 0 }): Pool {
  const sitters = new Set<Sitter>();
  let reserved: ReadonlyMap<Sitter, NodeId> = new Map();
  const isAtIt = ({ wish, granted }: Sitter): boolean => wish !== null && wish.waiting.length + wish.held.length + granted.length > 0;
  const shareOf = (slotSeconds: number, { room, priority }: Wish): number => slotSeconds * room / priority;
  const usedBy = ({ used, wish, granted }: Sitter): number => used + (wish === null ? 0 : shareOf(granted.length * wish.cost, wish));
  const isStuck = ({ askedMs }: Sitter): boolean => clock.now() - askedMs > STUCK_MS; // S2
  const claimOf = (sitter: Sitter, wish: Wish): Claim => ({ ...wish, used: usedBy(sitter), step: shareOf(wish.cost, wish), waiting: isStuck(sitter) ? [] : wish.waiting.filter(({ key }) => !sitter.granted.some((grant) => grant.key === key)), held: [...wish.held, ...sitter.granted] }); // S1

  const dealNow = (): ReadonlyMap<Sitter, readonly Grant[]> => {
    const dealt = deal(new Map([...sitters].flatMap((sitter) => (sitter.wish === null ? [] : [[sitter, claimOf(sitter, sitter.wish)] as const]))), reserved);
    ({ reserved } = dealt);
    return dealt.granted;
  };
  const wakeOthers = (granted: ReadonlyMap<Sitter, readonly Grant[]>, self: Sitter | null): void => { for (const [sitter, grants] of granted) if (sitter !== self && grants.length > 0) sitter.wake(); }; // S2

  return {
    join(wake) {
      const sitter: Sitter = { wake, wish: null, granted: [], used: 0, isNew: true, askedMs: clock.now() };
      sitters.add(sitter);
      return {
        ask(wish) {
          sitter.askedMs = clock.now();
          const wasAtIt = isAtIt(sitter);
          sitter.used += shareOf(wish.slotSeconds - (sitter.wish ?? wish).slotSeconds, wish);
          sitter.wish = wish;
          sitter.granted = [];
          if (!wasAtIt && isAtIt(sitter)) { // S3
            sitter.used = levelWith([...sitters].filter((each) => each !== sitter && isAtIt(each)).map(usedBy), sitter.used, sitter.isNew);
            sitter.isNew = false;
          }
          const granted = dealNow();
          sitter.granted = granted.get(sitter) ?? [];
          wakeOthers(granted, sitter);
          return sitter.granted;
        },
        [Symbol.dispose]() {
          sitters.delete(sitter);
          wakeOthers(dealNow(), null);
        },
      };
    },
  };
}
