import { startReplayer } from '../actors/replayer/index.ts';
import { verifySignature } from '../adapters/signature/index.ts';
import type { RunId } from '../domain/ids.ts';
import type { Ports } from '../ports.ts';
import type { Place } from './place.ts';
import { recallRecording } from './replay-recording.ts';

/** Whoever makes the proposals of an earlier run again, as its run's folder holds them. */
export const replayerOf = async (place: Place, { run, ports, signal }: { readonly run: RunId; readonly ports: Ports; readonly signal: AbortSignal }): Promise<{ readonly done: Promise<void> } & AsyncDisposable> =>
  startReplayer(ports, { recorded: await recallRecording(place, run), verify: verifySignature }, { run, signal });
