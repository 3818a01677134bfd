import { TimeoutError, type NatsConnection, type ReconnectToServerHandler } from 'nats';

// When a connection is not waited for any longer.
//
//   R1. What was asked of a server that went away is asked again when there is one, and not when its time runs out.
//   R2. A server that leaves question after question unanswered is left for another one: it may be alive and cut off from all others, and so know nothing
//       of it. Where it led the journal two are enough, of five seconds each. Where another did it may be that one which is cut off: by the time of a
//       third question there is a new leader, and to go elsewhere could mean to go there.

/** What was asked before the connection was lost may never be answered: ask again. */
export class AnswerLost extends Error {
  constructor() {
    super('the connection was lost while waiting for an answer');
    this.name = 'AnswerLost';
  }
}

/** So many questions in a row may a server leave unanswered: a run may stand still for fifteen seconds. */
const MOST_SILENCES = { leader: 2, follower: 3 };

/** Which server is dialled: any but the one that was just left, which is as good as others the time after. */
export class Shunning {
  private left: string | null = null;
  readonly choose: ReconnectToServerHandler = (pool) => {
    const [next, other] = pool;
    if (next === undefined || other === undefined || next.listen !== this.left) return null;
    this.left = null;
    return other;
  };

  /** Leaves the server of a connection; false where there is no other. */
  leave(nc: NatsConnection): boolean {
    if (nc.isClosed() || nc.isDraining() || nc.getServers().length < 2) return false;
    this.left = nc.getServer();
    void nc.reconnect();
    return true;
  }
}

/** Ends a wait as soon as the server is back, instead of when its time runs out (R1). */
export class Reconnects {
  private readonly waiting = new Set<() => void>();
  private readonly handlers = new Set<() => void>();

  /** The server that led the journal when it was last heard of; null where nobody said. */
  leader: string | null = null;
  private isLeaving = false;
  private readonly isAtLeader: () => boolean;
  private readonly leave: () => boolean;

  constructor(nc: NatsConnection, shunning = new Shunning()) {
    this.leave = () => shunning.leave(nc);
    this.isAtLeader = () => this.leader !== null && nc.info?.server_name === this.leader;
    void (async () => {
      for await (const status of nc.status()) {
        if (status.type !== 'reconnect') continue;
        this.isLeaving = false;
        for (const each of [...this.waiting, ...this.handlers]) each();
      }
    })();
    void nc.closed().then(() => { for (const interrupt of [...this.waiting]) interrupt(); });
  }

  /** Calls back every time the server is back, until disposed. */
  on(handler: () => void): Disposable {
    this.handlers.add(handler);
    return { [Symbol.dispose]: () => { this.handlers.delete(handler); } };
  }

  /** Told how each of one asker's questions failed, it leaves a server that is silent (R2). */
  patience(): (error: unknown) => void {
    let silences = 0;
    return (error) => {
      silences = isTimeout(error) ? silences + 1 : 0;
      if (silences < (this.isAtLeader() ? MOST_SILENCES.leader : MOST_SILENCES.follower)) return;
      silences = 0;
      if (!this.isLeaving) this.isLeaving = this.leave(); // others were as patient
    };
  }

  /** The outcome of `work`, or `AnswerLost` when the server was away meanwhile. Only for what may be asked twice. */
  async orLost<T>(work: Promise<T>): Promise<T> {
    let interrupt = (): void => {};
    const lost = new Promise<never>((_, reject) => { interrupt = () => { reject(new AnswerLost()); }; });
    this.waiting.add(interrupt);
    try {
      return await Promise.race([work, lost]);
    } finally {
      this.waiting.delete(interrupt);
    }
  }
}

/** Whether nobody said anything in time. */
export const isTimeout = (error: unknown): boolean => error instanceof TimeoutError || (error instanceof Error && error.cause instanceof TimeoutError);
