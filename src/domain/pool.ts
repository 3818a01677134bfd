import type { NodeId, SlotId } from './ids.ts';

// Who gets which slots, of one run or of several that share their machines.
//
//   P1. A slot carries one lease, whichever run's: a node's name is one machine's in every run.
//   P2. A lease has all its slots on one node, or none. One that is exclusive has its node to itself.
//   P3. The next lease goes to the run that has used the least of its share: slot seconds by priority, what is granted counted at once.
//   P4. Whose turn it is and whom nothing fits reserves the node where most of what it needs is free: nobody else begins anything there, so that a wide
//       trial comes to its turn among narrow ones. A run reserves one node at a time, and keeps to it until another has more.
//   P5. Of last attempts there is one at a time on a node: a recipe that kills its node takes the work of every slot with it, and must not take that of
//       another trial for the last time.
//   P6. What one node could not measure goes to another where there is one, and waits for it: a node that is ill is the first to be free again.

/** What one run would be leased, as it stands now. */
export interface Claim {
  /** What it has used of its share; the least comes first. */
  readonly used: number;
  /** What one more lease adds to that. */
  readonly step: number;
  /** Slots that each of its leases takes. */
  readonly width: number;
  readonly isExclusive: boolean;
  /** The machines it may be leased on, each with the slots that suit it. */
  readonly nodes: readonly { readonly node: NodeId; readonly slots: readonly SlotId[] }[];
  /** What waits, in its own order. */
  readonly waiting: readonly Waiting[];
  readonly held: readonly Held[];
}

/** A lease that is wanted. `shuns` is the node that had its last attempt. */
export interface Waiting { readonly key: string; readonly isLast: boolean; readonly shuns?: NodeId | undefined }

/** Slots of a node that carry a lease, a last attempt or not. */
export interface Held { readonly node: NodeId; readonly slots: readonly SlotId[]; readonly isLast: boolean }
export interface Grant extends Held { readonly key: string }

/** What is dealt: to each run by its place among the claims, and the node that each keeps free for itself. */
export interface Deal<K> { readonly granted: ReadonlyMap<K, readonly Grant[]>; readonly reserved: ReadonlyMap<K, NodeId> }

/** Deals free slots to whoever claims them. `before` are the reservations of the deal before this one. */
export function deal<K>(claims: ReadonlyMap<K, Claim>, before: ReadonlyMap<K, NodeId> = new Map()): Deal<K> {
  const granted = new Map<K, Grant[]>([...claims.keys()].map((key) => [key, []]));
  const reserved = new Map<K, NodeId>();
  const taken = new Set<string>();
  const leases = new Map<NodeId, { count: number; last: number; isAlone: boolean }>();
  const hold = ({ node, slots, isLast }: Held, isAlone: boolean): void => {
    for (const slot of slots) taken.add(`${node}/${slot}`);
    const on = leases.get(node) ?? { count: 0, last: 0, isAlone: false };
    leases.set(node, { count: on.count + 1, last: on.last + (isLast ? 1 : 0), isAlone: on.isAlone || isAlone });
  };
  for (const claim of claims.values()) for (const held of claim.held) hold(held, claim.isExclusive);

  /** What somebody else keeps free: a slot that suits it, or the whole node. */
  const isKept = (key: K, node: NodeId, slot: SlotId): boolean => [...reserved].some(([other, kept]) => {
    const claim = claims.get(other);
    return other !== key && kept === node && claim !== undefined && (claim.isExclusive || claim.nodes.some((each) => each.node === node && each.slots.includes(slot)));
  });
  const isKeptFrom = (key: K, kept: NodeId): boolean => [...reserved].some(([other, node]) => other !== key && node === kept);
  const freeOn = ({ node, slots }: Claim['nodes'][number]): SlotId[] => slots.filter((slot) => !taken.has(`${node}/${slot}`)); // P1
  const place = (key: K, claim: Claim, { isLast, shuns }: Omit<Waiting, 'key'>): Held | null => {
    for (const each of claim.nodes) {
      if (each.node === shuns && claim.nodes.some((other) => other.node !== shuns && other.slots.length >= claim.width)) continue; // P6
      const on = leases.get(each.node);
      if (on && (on.isAlone || claim.isExclusive || (isLast && on.last > 0))) continue; // P2, P5
      if (claim.isExclusive && isKeptFrom(key, each.node)) continue; // P4
      const slots = freeOn(each).filter((slot) => !isKept(key, each.node, slot)).slice(0, claim.width); // P4
      if (slots.length === claim.width) return { node: each.node, slots, isLast }; // P2
    }
    return null;
  };
  const reserve = (key: K, claim: Claim): void => { // P4
    const others = new Set(reserved.values());
    const fit = claim.nodes.filter(({ node, slots }) => slots.length >= claim.width && !others.has(node));
    const room = (each: Claim['nodes'][number]): number => (claim.isExclusive ? -(leases.get(each.node)?.count ?? 0) : freeOn(each).length) + (before.get(key) === each.node ? 0.5 : 0);
    const [first] = fit;
    if (first) reserved.set(key, fit.reduce((best, each) => (room(each) > room(best) ? each : best), first).node);
  };

  const turns = [...claims].map(([key, claim]) => ({ key, claim, used: claim.used, left: [...claim.waiting] }));
  for (let open = turns.filter(({ left }) => left.length > 0); open.length > 0; open = open.filter(({ left }) => left.length > 0)) {
    const turn = open.reduce((least, each) => (each.used < least.used ? each : least)); // P3
    const { key, claim } = turn;
    const [next] = turn.left.splice(0, 1);
    if (!next) continue;
    const found = place(key, claim, next);
    if (found) {
      granted.get(key)?.push({ key: next.key, ...found });
      hold(found, claim.isExclusive);
      turn.used += claim.step;
    } else if (place(key, claim, { isLast: false }) === null) { // whoever waits for its node alone keeps nobody from the others
      reserve(key, claim);
      turn.left = [];
    }
  }
  return { granted, reserved };
}

/** Where a run's share begins when it comes to others that want slots: level with the one that used the least, so that nobody has what it did not ask for saved up. A newcomer brings nothing with it; one that comes back may owe. */
export function levelWith(others: readonly number[], used: number, isNew: boolean): number {
  if (others.length === 0) return isNew ? 0 : used;
  const least = Math.min(...others);
  return isNew ? least : Math.max(used, least);
}
