import { createActor, fromPromise } from 'xstate';
import type { Clock, Presence, Processes } from '../../ports.ts';
import { NEVER_AGAIN } from './decide.ts';
import { wardMachine, type Death } from './machine.ts';

/** A daemon that is kept alive, by its name, with the arguments of its command. */
export interface Daemon { readonly name: string; readonly args: readonly string[] }

export interface WardOptions {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly log: Presence['log'];
  readonly onChange: () => void;
}

/** One daemon under somebody who keeps it alive. */
export interface Ward {
  /** `alive`, `pausing` before it is started again, `lost` when it was given up, `released` when it ended by itself or was let go. */
  readonly state: () => string;
  /** Lets it go for good: at once, or when it has finished what it holds. Resolves when its process is gone; saying it again may hurry it. */
  release(how: 'drain' | 'now'): Promise<void>;
}

/** Starts a daemon and starts it again whenever it dies, until it is let go, has done its work, or is hopeless. */
export function startWard({ name, args }: Daemon, { processes, clock, log, onChange }: WardOptions): Ward {
  const letGo = new AbortController();
  let child: ReturnType<Processes['start']> | null = null;
  const actor = createActor(wardMachine.provide({
    actors: {
      daemon: fromPromise<Death, { name: string }>(async () => {
        const bornMs = clock.now();
        try {
          child = processes.start({ name, args });
        } catch (error) { // its log's folder may be gone, or all that may be open be open: that may pass
          log('warn', `${name} could not be started and is tried again: ${error instanceof Error ? error.message : String(error)}`, { daemon: name });
          return { livedMs: 0, code: null };
        }
        const end = await child.exited;
        child = null;
        if (!letGo.signal.aborted && end.code !== 0) log('warn', `${name} died${end.code === NEVER_AGAIN ? ': its log says what only a person can mend' : ' and is started again'}`, { daemon: name, code: end.code, signal: end.signal });
        return { livedMs: clock.now() - bornMs, code: end.code };
      }),
      pause: fromPromise<void, { afterMs: number }>(({ input }) => clock.wait(input.afterMs, letGo.signal)),
    },
  }), { input: { name } });
  actor.subscribe({ next: onChange, error: (error) => log('error', `the ward of ${name} failed`, { error: String(error) }) });
  actor.start();
  return {
    state: () => String(actor.getSnapshot().value),
    async release(how) {
      letGo.abort(new Error('it is not wanted any more'));
      const last = child;
      if (actor.getSnapshot().status === 'active') actor.send({ type: 'run.stopped' });
      if (how === 'drain') last?.drain(); else await last?.stop();
      await last?.exited;
    },
  };
}
