import type { SlotId } from '../../domain/ids.ts';
import type { Devices, Occupied, PhaseJob, Ports, SandboxSlot } from '../../ports.ts';
import type { Work } from './work.ts';

// A slot of this machine, ours from before the first process of a measurement to after its last trace.
//
//   T1. Nothing runs before every device and core of the lease is ours among all processes of this machine, and its devices are clean. Whoever waits says why,
//       and its lease is renewed meanwhile.
//   T2. What was ours is given back when nothing of the measurement lives and its devices are clean. What does not become so in a while is given up for good.
//   T3. The warden hears from us as long as a slot is ours, and of how long ago its lease was renewed: when this process stops, or the renewals do, it kills
//       and gives the slot back, and is done before the lease has lapsed.

/** One slot of this node with its open sandbox. */
export interface SlotPlace {
  readonly slot: SlotId;
  readonly sandbox: SandboxSlot;
  readonly cores: readonly number[];
  /** Ordinal of its device; null for a slot of cores alone. */
  readonly device: number | null;
  /** What it must be alone on, by the names this machine has for its devices and cores. */
  readonly locks: readonly string[];
  readonly shared: readonly string[];
}

export interface Unclean { readonly slot: SlotId; readonly why: string }

/** What the slots of a node stand on. */
export interface Ground {
  placeOf(slot: SlotId): SlotPlace | undefined;
  readonly devices: Devices | null;
  /** How long a slot may take to come back clean. */
  readonly cleanMs: number;
  /** Hears what a slot waits for, and null when it does no more. */
  tell(slot: SlotId, why: string | null): void;
  /** Hears of slots that did not come back clean. */
  drain(unclean: readonly Unclean[]): void;
  /** Hears why no slot of this node can measure any more, and what is to be done. */
  fail(why: string, remedy: string): void;
}

export interface Tenancy {
  enter(work: Work, signal: AbortSignal): Promise<void>;
  /** Answers the slots that did not come back clean. */
  leave(): Promise<readonly Unclean[]>;
  /** Its lease held at this moment of our clock. */
  renewed(atMs: number): void;
  /** Says so to the warden, which otherwise hears it every second. */
  beat(): void;
  /** When it became ours, by our clock; null while it is not. */
  sinceMs(): number | null;
  /** What a phase of the work may use. */
  share(work: Work): Pick<PhaseJob, 'devices' | 'cores'>;
}

const BEAT_MS = 1000;
const LOOK_MS = 250;
/** Silence after which the warden kills, as a fraction of the lease: dead before anybody else may start. */
export const SILENCE = 0.8;

/** How the slot of a lease, the first of them where there are more, is taken and given back. */
export function openTenancy({ slot, sandbox }: SlotPlace, { clock, journal }: Ports, ground: Ground, node: string): Tenancy {
  let ours: readonly SlotPlace[] = [];
  let occupied: Occupied | null = null;
  let enteredMs: number | null = null;
  let isUnfit = false;
  let beating = new AbortController();
  let renewedMs: number | null = null; // of a canary, and of a slot that is only being cleared, there is no lease
  const never = new AbortController().signal;
  const beat = (): void => sandbox.beat(renewedMs === null ? 0 : Math.max(0, clock.now() - renewedMs)); // T3

  async function keepBeating(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      beat();
      await clock.wait(BEAT_MS, signal).catch(() => undefined);
    }
  }

  const uncleanDevices = async (): Promise<Unclean[]> => (await Promise.all(ours.map(async ({ slot: one, device }) => {
    const why = device === null || ground.devices === null ? null : await ground.devices.unclean(device);
    return why === null ? [] : [{ slot: one, why }];
  }))).flat();

  /** Looks until nothing is left to complain of, or for so long; the last complaints. */
  async function settle(look: () => Promise<Unclean[]>, mostMs: number, signal: AbortSignal): Promise<Unclean[]> {
    const until = clock.now() + mostMs;
    for (;;) {
      const unclean = await look();
      if (unclean.length === 0 || clock.now() >= until) return unclean;
      ground.tell(slot, unclean.map(({ slot: one, why }) => `${one} is not clean: ${why}`).join('; '));
      await clock.wait(LOOK_MS, signal);
    }
  }

  return {
    async enter(work, signal) {
      ours = work.slots.flatMap((one) => ground.placeOf(one) ?? []);
      beating = new AbortController();
      void keepBeating(beating.signal);
      try {
        occupied = await sandbox.occupy?.({
          locks: ours.flatMap(({ locks }) => locks), shared: ours.flatMap(({ shared }) => shared), by: `${journal.run} on ${node}`, silenceMs: Math.round(work.ttlMs * SILENCE), signal, onWait: (why) => ground.tell(slot, why),
        }) ?? null;
        enteredMs = clock.now();
        const [unclean] = await settle(uncleanDevices, ground.cleanMs, signal); // T1
        isUnfit = unclean !== undefined;
        if (unclean !== undefined) throw new Error(`${unclean.slot} is not clean: ${unclean.why}`);
      } finally {
        ground.tell(slot, null);
      }
    },
    renewed(atMs) { renewedMs = atMs; },
    sinceMs: () => enteredMs,
    beat,
    async leave() {
      renewedMs = null;
      const look = async (): Promise<Unclean[]> => {
        const unclean = await uncleanDevices();
        if (unclean.length > 0) return unclean;
        const why = await occupied?.leave() ?? null;
        return why === null ? [] : [{ slot, why }];
      };
      const left = await settle(look, isUnfit ? 0 : ground.cleanMs, never); // T2
      if (left.length > 0) await occupied?.leave(); // others judge a device by themselves; what lives in the slot itself keeps it
      beating.abort();
      ground.tell(slot, null);
      [ours, occupied, enteredMs, isUnfit] = [[], null, null, false];
      return left;
    },
    share(work) {
      const places = work.slots.flatMap((one) => ground.placeOf(one) ?? []);
      const indexes = places.flatMap(({ device }) => (device === null ? [] : [device]));
      return {
        ...(ground.devices === null || indexes.length === 0 ? {} : { devices: ground.devices.show(indexes) }),
        ...(places.length < 2 ? {} : { cores: places.flatMap(({ cores }) => cores) }),
      };
    },
  };
}
