/** The three leading numbers of a version inside any text (`nats-server: v2.15.1` → [2, 15, 1]); null when there is none. */
export function versionIn(text) {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text ?? '');
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : null;
}

/** Whether a version is at or above a floor; unknown is below every floor. */
export function isAtLeast(version, floor) {
  const [have, want] = [versionIn(version), versionIn(floor)];
  if (!have || !want) return false;
  for (const place of [0, 1, 2]) if (have[place] !== want[place]) return have[place] > want[place];
  return true;
}
