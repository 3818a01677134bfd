import type { Bus, Clock, Presence } from '../../ports.ts';
import { ActorState, NamedActorState, Pulse } from '../../protocols/actor.ts';

/** One line that an actor logged. */
export interface Logged { readonly level: 'info' | 'warn' | 'error'; readonly message: string; readonly fields: Readonly<Record<string, string | number | boolean | null>> }

/** Actors seen within this process; log lines are kept for the test to read. */
export function memoryPresence(bus: Bus, clock: Clock): Presence & { readonly logged: Logged[] } {
  const logged: Logged[] = [];
  return {
    logged,
    announce(who) {
      let state = '';
      let since = clock.now();
      const read = () => {
        const now = who.read();
        if (now.state !== state) { state = now.state; since = clock.now(); }
        return { actor: who.actor, name: who.name, run: who.run, pid: process.pid, state, sinceMs: Math.round(clock.now() - since), why: now.why, context: { ...now.context } };
      };
      const pulse = () => { bus.tell(Pulse, { run: who.run, actor: who.actor, name: who.name }, read()); };
      const served = [bus.serve(ActorState, { actor: who.actor }, read), bus.serveEach(NamedActorState, { actor: who.actor, run: who.run, name: who.name }, read)];
      pulse();
      return { changed: pulse, async [Symbol.asyncDispose]() { await Promise.all(served.map((each) => each[Symbol.asyncDispose]())); } };
    },
    log(level, message, fields = {}) { logged.push({ level, message, fields }); },
  };
}
