import type { BaseCheckpointSaver } from '@langchain/langgraph';

/** Where one specialist's open session is kept, so that another process can go on with it. A cache: without it one thought is lost. */
export interface SessionStore extends AsyncDisposable {
  readonly saver: BaseCheckpointSaver;
  /** What became of the store that was found, in words for the log; null when it was fine or there was none. */
  readonly notice: string | null;
  /** Sessions that were begun and not thrown away, oldest first. */
  threads(): Promise<readonly string[]>;
}
