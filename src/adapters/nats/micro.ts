import { nuid, type Msg, type NatsConnection } from 'nats';

// Every actor as a NATS micro service, so that `nats micro ls`, `info` and `stats` show them.
// Written out here: the client's own services package is a prerelease with a second copy of the client inside.

const VERSION = '0.1.0';

interface Endpoint { readonly subject: string; readonly queue: string | null; requests: number; errors: number; lastError: string; nanoseconds: number }

/** What one connection serves, with counts. */
export class Endpoints {
  readonly served = new Map<string, Endpoint>();

  add(subject: string, queue: string | null): { answered(milliseconds: number): void; failed(reason: string): void } {
    const endpoint: Endpoint = { subject, queue, requests: 0, errors: 0, lastError: '', nanoseconds: 0 };
    this.served.set(subject, endpoint);
    return {
      answered: (milliseconds) => { endpoint.requests += 1; endpoint.nanoseconds += Math.round(milliseconds * 1e6); },
      failed: (reason) => { endpoint.requests += 1; endpoint.errors += 1; endpoint.lastError = reason; },
    };
  }

  remove(subject: string): void { this.served.delete(subject); }

  /** The endpoints of one actor: commands that carry its name, and the run's own ones, which the broker answers. */
  of(actor: string): Endpoint[] {
    return [...this.served.values()].filter(({ subject }) => subject.startsWith(`brigade.cmd.${actor}.`) || (actor === 'broker' && subject.startsWith('brigade.cmd.run.')));
  }
}

/** Announces one actor as a micro service until disposed. */
export function announceService(nc: NatsConnection, { actor, name, run, endpoints }: { actor: string; name: string; run: string; endpoints: Endpoints }): Disposable {
  const service = name === 'main' ? actor : `${actor}-${name}`; // a service's name may have no dot
  const id = nuid.next();
  const started = new Date().toISOString();
  const common = { name: service, id, version: VERSION, metadata: { run } };
  const nameOf = (subject: string): string => subject.replace(/^brigade\.cmd\./, '').replace(/[^A-Za-z0-9_-]/g, '_');
  const replies: Record<string, () => object> = {
    PING: () => ({ type: 'io.nats.micro.v1.ping_response', ...common }),
    INFO: () => ({
      type: 'io.nats.micro.v1.info_response', ...common, description: `Brigade's ${actor} of run ${run}`,
      endpoints: endpoints.of(actor).map(({ subject, queue }) => ({ name: nameOf(subject), subject, queue_group: queue ?? '', metadata: {} })),
    }),
    STATS: () => ({
      type: 'io.nats.micro.v1.stats_response', ...common, started,
      endpoints: endpoints.of(actor).map(({ subject, queue, requests, errors, lastError, nanoseconds }) => ({
        name: nameOf(subject), subject, queue_group: queue ?? '', num_requests: requests, num_errors: errors, last_error: lastError,
        processing_time: nanoseconds, average_processing_time: requests === 0 ? 0 : Math.round(nanoseconds / requests),
      })),
    }),
  };
  const subscriptions = Object.entries(replies).flatMap(([verb, reply]) => [`$SRV.${verb}`, `$SRV.${verb}.${service}`, `$SRV.${verb}.${service}.${id}`].map((subject) =>
    nc.subscribe(subject, { callback: (error, message: Msg) => { if (!error && /^(_INBOX|_R_)\./.test(message.reply ?? '')) message.respond(JSON.stringify(reply())); } })));
  return { [Symbol.dispose]() { if (!nc.isClosed()) for (const subscription of subscriptions) subscription.unsubscribe(); } };
}
