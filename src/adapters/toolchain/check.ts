/** One thing that doctor looked at. */
export interface Check {
  readonly name: string;
  /** `weak` works, with less held than it could be. */
  readonly ok: 'ok' | 'weak' | 'bad';
  readonly says: string;
  /** The next step for a person; null when there is nothing to do. */
  readonly remedy: string | null;
}

/** A check that found nothing to complain of. */
export function fine(name: string, says: string): Check {
  return { name, ok: 'ok', says, remedy: null };
}

/** A check that works, with less than it could hold. */
export function weak(name: string, says: string, remedy: string): Check {
  return { name, ok: 'weak', says, remedy };
}

/** A check that stops Brigade from running. */
export function bad(name: string, says: string, remedy: string): Check {
  return { name, ok: 'bad', says, remedy };
}
