import { memoryPresence } from '../../src/adapters/memory/index.ts';
import type { Bus, Clock, Ports } from '../../src/ports.ts';

/** Ports of a process that can be stopped as by SIGSTOP: what it asked is answered, what it is asked and told waits for it, its clock goes on, and nothing of it runs. */
export interface Pause {
  readonly ports: Ports;
  stop(): void;
  /** Lets it go on: first its timers fire, then it is asked what was asked meanwhile, and only then it reads the facts that came. */
  goOn(): Promise<void>;
}

type Lane = 'timers' | 'bus' | 'journal';

/** A pause between a process and its ports. */
export function openPause(outside: Ports): Pause {
  let isStopped = false;
  const waiting: Record<Lane, (() => void)[]> = { timers: [], bus: [], journal: [] };
  const running = async (lane: Lane): Promise<void> => { while (isStopped) await new Promise<void>((resolve) => { waiting[lane].push(resolve); }); };
  const held = <T>(lane: Lane, work: Promise<T>): Promise<T> => work.finally(() => running(lane));
  const { journal, bus, blobs, clock } = outside;
  const ownClock: Clock = { now: () => clock.now(), wait: (ms, signal) => held('timers', clock.wait(ms, signal)) };
  const ownBus: Bus = {
    ask: (...asked) => held('bus', running('bus').then(() => bus.ask(...asked))),
    tell: (...said) => { if (!isStopped) bus.tell(...said); },
    listen: (message, ids, handler) => bus.listen(message, ids, (body, named) => { void running('bus').then(() => handler(body, named)); }),
    serve: (command, ids, handler) => bus.serve(command, ids, async (request, named) => { await running('bus'); return handler(request, named); }),
    serveEach: (command, ids, handler) => bus.serveEach(command, ids, async (request, named) => { await running('bus'); return handler(request, named); }),
  };
  return {
    ports: {
      blobs, clock: ownClock, bus: ownBus, presence: memoryPresence(ownBus, ownClock),
      journal: {
        run: journal.run,
        record: (...said) => held('journal', running('journal').then(() => journal.record(...said))),
        position: () => held('journal', running('journal').then(() => journal.position())),
        async *follow(options) { for await (const fact of journal.follow(options)) { await running('journal'); yield fact; } },
      },
    },
    stop() { isStopped = true; },
    async goOn() {
      isStopped = false;
      for (const lane of ['timers', 'bus', 'journal'] as const) {
        for (const wake of waiting[lane].splice(0)) wake();
        await new Promise((resolve) => { setImmediate(resolve); });
      }
    },
  };
}
