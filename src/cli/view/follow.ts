import type { Fact } from '../../domain/fact.ts';
import type { Lineage } from '../../domain/lineage.ts';
import type { Bus, Clock } from '../../ports.ts';
import { Progress, Pulse } from '../../protocols/actor.ts';
import type { LiveView } from './live.ts';

/** How often the footer is drawn again: fast enough to read seconds, slow enough to cost nothing. */
const REDRAW_MS = 250;

/** What a view follows: an open run has all of it. */
export interface Followed {
  readonly run: string;
  readonly lineage: Lineage;
  readonly bus: Bus | null;
  follow(signal: AbortSignal): AsyncIterable<Fact>;
}

/** Shows a run until it stops, its facts end, or the signal is aborted; does not close it. */
export async function followRun(followed: Followed, view: LiveView, clock: Clock, signal: AbortSignal): Promise<void> {
  const { run, lineage, bus } = followed;
  const done = new AbortController();
  const both = AbortSignal.any([signal, done.signal]);
  await using _pulses = bus?.listen(Pulse, { run }, (pulse) => view.pulse(pulse)) ?? null;
  await using _progress = bus?.listen(Progress, { run }, (progress, { node, slot }) => view.progress({ ...progress, node, slot })) ?? null;
  view.begin(lineage);
  const redrawing = redraw(view, lineage, clock, both);
  try {
    if (lineage.stopped === null) {
      for await (const fact of followed.follow(both)) {
        view.fact(fact, lineage);
        if (fact.word === 'run.stopped') break;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    done.abort();
    await redrawing;
  }
  view.end(lineage);
}

async function redraw(view: LiveView, lineage: Lineage, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    view.tick(lineage);
    await clock.wait(REDRAW_MS, signal).catch(() => undefined);
  }
}
