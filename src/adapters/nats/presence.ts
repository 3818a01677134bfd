import type { NatsConnection } from 'nats';
import type { RunId } from '../../domain/ids.ts';
import type { Bus, Presence } from '../../ports.ts';
import { ActorState, Log, NamedActorState, Pulse } from '../../protocols/actor.ts';
import { announceService, type Endpoints } from './micro.ts';

/** A standby takes over, and a view marks an actor as silent, after a few of these. */
const PULSE_MS = 2_000;

const clean = (text: string, most: number): string => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, most);

/** One line of an actor's log, as it is written. */
export type LogLine = Readonly<Record<string, string | number | boolean | null>> & { readonly level: string; readonly message: string };

const toStandardError = (line: LogLine): void => { process.stderr.write(`${JSON.stringify(line)}\n`); };

type Fields = Readonly<Record<string, string | number | boolean | null>>;

/** Fields that the wire can carry: unknown rather than infinite, cut rather than refused. */
const cleanFields = (fields: Fields): Record<string, string | number | boolean | null> => Object.fromEntries(Object.entries(fields).map(([key, value]) =>
  [clean(key, 64), typeof value === 'string' ? value.slice(0, 2_000) : typeof value === 'number' && !Number.isFinite(value) ? null : value]));

/** How the actors of one process are seen over NATS. */
export function natsPresence({ nc, bus, endpoints, run, actor = 'brigade', name = 'main', write = toStandardError }: { nc: NatsConnection; bus: Bus; endpoints: Endpoints; run: RunId; actor?: string; name?: string; write?: (line: LogLine) => void }): Presence {
  let speaker = { actor, name, run };
  return {
    announce(who) {
      speaker = who;
      let state = '';
      let since = performance.now();
      const read = () => {
        const now = who.read();
        if (now.state !== state) { state = now.state; since = performance.now(); }
        return {
          actor: who.actor, name: who.name, run: who.run, pid: process.pid, state: clean(now.state, 200),
          sinceMs: Math.round(performance.now() - since), why: clean(now.why, 400), context: cleanFields(now.context),
        };
      };
      const pulse = () => { bus.tell(Pulse, { run: who.run, actor: who.actor, name: who.name }, read()); };
      const served = [
        bus.serveEach(ActorState, { actor: who.actor }, read),
        bus.serveEach(NamedActorState, { actor: who.actor, run: who.run, name: who.name }, read),
      ];
      const service = announceService(nc, { ...who, endpoints });
      const timer = setInterval(pulse, PULSE_MS).unref();
      pulse();
      return {
        changed: pulse,
        async [Symbol.asyncDispose]() {
          clearInterval(timer);
          service[Symbol.dispose]();
          await Promise.all(served.map((each) => each[Symbol.asyncDispose]()));
        },
      };
    },

    log(level, message, fields = {}) {
      const said = cleanFields(fields);
      write({ ...said, at: new Date().toISOString(), level, actor: speaker.actor, name: speaker.name, run: speaker.run, message });
      bus.tell(Log, speaker, { level, message: clean(message, 2_000), fields: said });
    },
  };
}
