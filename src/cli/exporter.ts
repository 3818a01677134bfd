import { exportRun, type ExportSource, type Part } from '../adapters/report/index.ts';
import type { Fact } from '../domain/fact.ts';
import type { Clock } from '../ports.ts';

/** Every table is written whole: more often than this, a long night would be spent writing them. */
const EVERY_MS = 30_000;
const MEANWHILE: readonly Part[] = ['tables', 'best', 'trials'];

/** Keeps a run's folder up to date: the tables soon after a trial has ended, all of it at the end. */
export function keepExported(source: ExportSource, clock: Clock, write: typeof exportRun = exportRun): { note(fact: Fact): void; last(): Promise<void> } & Disposable {
  const over = new AbortController();
  let busy: Promise<unknown> = Promise.resolve();
  let isDue = false;
  let notBeforeMs = -Infinity;
  const bring = (parts?: readonly Part[]): Promise<unknown> => write(source, parts ? { parts } : {})
    .catch((error: unknown) => process.stderr.write(`the run's folder could not be brought up to date: ${error instanceof Error ? error.message : String(error)}\n`));
  const meanwhile = async (): Promise<void> => {
    if (clock.now() < notBeforeMs) await clock.wait(notBeforeMs - clock.now(), over.signal);
    isDue = false;
    await bring(MEANWHILE);
    notBeforeMs = clock.now() + EVERY_MS;
  };
  const stop = (): void => { over.abort(new Error('the run is over')); };
  return {
    note(fact) {
      if ((fact.word !== 'trial.result' && fact.word !== 'trial.rejected') || isDue) return;
      isDue = true;
      busy = busy.then(meanwhile).catch(() => undefined); // it rejects when the end comes first
    },
    async last() {
      stop();
      await busy;
      await bring();
    },
    [Symbol.dispose]: stop,
  };
}
