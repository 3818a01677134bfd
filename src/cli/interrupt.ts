import type { Conducted } from './conduct.ts';

/** Ctrl-C and SIGTERM: the first lets what is leased finish, the second does not wait; the journal keeps all it had after both. */
export function onInterrupt(conducted: Conducted, say: (line: string) => void): { readonly asked: AbortSignal; stop(): void } {
  const asked = new AbortController();
  const ask = (): void => {
    const isFirst = !asked.signal.aborted;
    asked.abort(new Error('interrupted'));
    void conducted.askToStop().then((says) => say(isFirst ? `${says}; Ctrl-C again stops now, nothing recorded is lost` : says));
  };
  process.on('SIGINT', ask);
  process.on('SIGTERM', ask);
  return { asked: asked.signal, stop() { process.off('SIGINT', ask); process.off('SIGTERM', ask); } };
}
