/** Oldest server that can be told to sync every message before it acknowledges it, and was tested. */
export const OLDEST_NATS_SERVER = '2.10.27';

/** The version inside what a program prints; null when there is none. */
export function versionIn(text: string): string | null {
  return /(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? null;
}

/** Whether a dotted version is at or above a floor. */
export function isAtLeast(version: string, floor: string): boolean {
  const places = (text: string) => text.split('.').map(Number);
  const want = places(floor);
  const have = places(version);
  for (const [index, place] of want.entries()) {
    const other = have[index] ?? 0;
    if (other !== place) return other > place;
  }
  return true;
}
