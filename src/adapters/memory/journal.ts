import type { BodyOf, Fact, IdsOf, Word } from '../../domain/fact.ts';
import type { RunId } from '../../domain/ids.ts';
import type { Journal } from '../../ports.ts';
import { besideSubject, FACTS, factSubject, readFactSubject } from '../../protocols/facts.ts';

/** A journal in this process, with the promises of the real one but durability. */
export interface MemoryJournal extends Journal {
  /** Puts any message into the stream, as a stranger with a key could. */
  inject(subject: string, text: string): void;
}

interface Stored { readonly subject: string; readonly text: string; readonly at: number }

/** One run's facts in memory. `now` gives the time written beside each. */
export function memoryJournal(run: RunId, now: () => number = Date.now): MemoryJournal {
  const messages: Stored[] = [];
  const subjects = new Map<string, number>();
  let wake: (() => void)[] = [];
  const store = (subject: string, text: string): number => {
    const seq = messages.push({ subject, text, at: Math.floor(now()) });
    subjects.set(subject, seq);
    const woken = wake;
    wake = [];
    for (const each of woken) each();
    return seq;
  };
  return {
    run,
    inject: store,
    async record<W extends Word>(word: W, ids: IdsOf<W>, body: BodyOf<W>, { beside } = { beside: false }) {
      const subject = factSubject(run, word, ids);
      const parsed = FACTS[word].body.safeParse(body);
      if (!parsed.success) throw new TypeError(`${word} ${ids.join('.')} is not what the protocol says: ${parsed.error.issues[0]?.message ?? ''}`);
      let place = subject;
      for (let seq = subjects.get(place); seq !== undefined; seq = subjects.get(place)) {
        const squatter = messages[seq - 1];
        if (beside && squatter?.text === JSON.stringify(parsed.data)) return { kind: 'recorded', seq } as const;
        if (!beside && squatter && typeof read(run, squatter, seq) !== 'string') return { kind: 'taken' } as const;
        place = besideSubject(subject, seq);
      }
      return { kind: 'recorded', seq: store(place, JSON.stringify(parsed.data)) } as const;
    },
    async *follow({ after, until = Infinity, signal = new AbortController().signal, onUnreadable }) {
      let last = after;
      while (!signal.aborted && last < until) {
        const message = messages[last];
        if (!message) {
          await new Promise<void>((resolve) => {
            const stop = () => { resolve(); };
            signal.addEventListener('abort', stop, { once: true });
            wake.push(() => { signal.removeEventListener('abort', stop); resolve(); });
          });
          continue;
        }
        last += 1;
        const fact = read(run, message, last);
        if (typeof fact === 'string') onUnreadable?.({ seq: last, subject: message.subject, reason: fact });
        else yield fact;
      }
    },
    position: async () => messages.length,
  };
}

function read(run: RunId, { subject, text, at }: Stored, seq: number): Fact | string {
  const named = readFactSubject(subject);
  if (named?.run !== run) return `${subject} is no subject of this run's facts`;
  let value: unknown;
  try { value = JSON.parse(text); } catch { return 'the body is not JSON'; }
  const parsed = FACTS[named.word].body.safeParse(value);
  return parsed.success ? { word: named.word, ids: named.ids, body: parsed.data, seq, at } as unknown as Fact : `${named.word}: ${parsed.error.issues[0]?.message ?? ''}`;
}
