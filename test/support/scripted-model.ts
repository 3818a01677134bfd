import type { Fact } from '../../src/domain/fact.ts';
import { use, type Asked, type Reply, type Said, type Script } from './openai-server.ts';

/** What one specialist's model says over a whole run: it yields an answer, and goes on with what it is asked next. Once it returns, nothing it is asked is answered. */
export type Play = AsyncGenerator<Reply, void, Asked>;

/** Who asks, by its own system text. */
export const whoIn = ({ system }: Pick<Asked, 'system'>): string => /^# You are (\S+)$/m.exec(system)?.[1] ?? 'nobody';

/** Whether a session begins with this. */
export const isOpening = ({ last }: Asked): boolean => last.includes('make one change that you believe in');

/** A model that plays one part for each specialist. `fault` rejects when a play is told what it did not expect. */
export interface Players { readonly script: Script; readonly fault: Promise<never> }

/** Casts the parts. */
export function players(parts: Readonly<Record<string, (first: Asked) => Play>>): Players {
  const playing = new Map<string, Play>();
  let fail: (error: unknown) => void = () => undefined;
  const fault = new Promise<never>((_, reject) => { fail = reject; });
  fault.catch(() => undefined); // whoever awaits it hears of it
  const next = async (asked: Asked): Promise<Reply> => {
    const who = whoIn(asked);
    const running = playing.get(who);
    const play = running ?? parts[who]?.(asked);
    if (!play) throw new Error(`nobody plays ${who}`);
    playing.set(who, play);
    const { value, done } = running ? await play.next(asked) : await play.next();
    return done === true || !value ? { kind: 'hang', after: 'nothing' } : value;
  };
  return { fault, script: (asked) => next(asked).catch((error: unknown) => { fail(error); throw error; }) };
}

/** An edit by search and replace of one file. */
export const edit = (file: string, ...blocks: readonly (readonly [search: string, replace: string])[]): Said => use('edit', { edits: blocks.map(([search, replace]) => ({ file, search, replace })) });
export const submit = (hypothesis: string, expectedDelta = -0.1): Said => use('submit', { hypothesis, expectedDelta });
/** Several uses of tools in one answer. */
export const together = (...said: readonly Said[]): Said => ({ kind: 'said', calls: said.flatMap(({ calls = [] }) => calls) });
export const giveUp = (reason: string): Said => use('give_up', { reason });

/** What a model reads out of what it was told last; a play cannot go on without it. */
export function told({ last }: Asked, pattern: RegExp): readonly string[] {
  const found = pattern.exec(last);
  if (!found) throw new Error(`${String(pattern)} is not in what was told: ${last.slice(0, 3_000)}`);
  return found;
}

/** Something that happens once, and that others wait for. */
export function once(): { readonly happened: Promise<void>; happens(): void } {
  let happens = (): void => undefined;
  const happened = new Promise<void>((resolve) => { happens = resolve; });
  return { happened, happens };
}

/** The facts of one word. */
export const bodies = <W extends Fact['word']>(facts: readonly Fact[], word: W): Extract<Fact, { word: W }>[] => facts.filter((fact): fact is Extract<Fact, { word: W }> => fact.word === word);
