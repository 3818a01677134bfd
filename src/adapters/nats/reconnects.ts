import type { NatsConnection } from 'nats';

/** What was asked before the connection was lost may never be answered: ask again. */
export class AnswerLost extends Error {
  constructor() {
    super('the connection was lost while waiting for an answer');
    this.name = 'AnswerLost';
  }
}

/** Ends a wait as soon as the server is back, instead of when its time runs out. */
export class Reconnects {
  private readonly waiting = new Set<() => void>();
  private readonly handlers = new Set<() => void>();

  constructor(nc: NatsConnection) {
    void (async () => {
      for await (const status of nc.status()) if (status.type === 'reconnect') for (const each of [...this.waiting, ...this.handlers]) each();
    })();
    void nc.closed().then(() => { for (const interrupt of [...this.waiting]) interrupt(); });
  }

  /** Calls back every time the server is back, until disposed. */
  on(handler: () => void): Disposable {
    this.handlers.add(handler);
    return { [Symbol.dispose]: () => { this.handlers.delete(handler); } };
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
