import type { OpenRunByName } from './opening.ts';
import type { Place } from './place.ts';

/** What a command is given by its process; tests give it another. */
export interface Surroundings {
  readonly open: OpenRunByName;
  readonly place: Place;
  readonly out: { write(text: string): unknown };
  /** Width of the terminal; null when there is none. */
  readonly width: () => number | null;
  /** False for a pipe and under NO_COLOR. */
  readonly color: boolean;
  /** Wall milliseconds, to compare with the server's times for display. */
  readonly now: () => number;
}
