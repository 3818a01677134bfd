// The world's one clock: what happens, one thing after another.
//
//   T1. Everything that one event sets off is over before the next begins: actors touch one another through events only.
//   T2. Nothing here asks the machine for the time or for luck.

/** Something that will happen. `owner` is whose turn it takes: it waits while that one is paused, and never comes when it is gone. */
export interface Happening { at: number; order: number; readonly kind: 'timer' | 'message' | 'world'; readonly owner: Owner | null; readonly happen: () => void; isOff: boolean }

/** Whoever can be paused and ended. */
export interface Owner { isGone: boolean; isPaused: boolean; readonly backlog: Happening[] }

/** Resolves when everything that was set off in this process has run: the tick queue comes after all promises. */
const settled = (): Promise<void> => new Promise((resolve) => { process.nextTick(resolve); });

export class Schedule {
  now = 0;
  happened = 0;
  readonly #heap: Happening[] = [];
  #order = 0;

  /** Plans something for a moment; earlier moments than now mean now. */
  at(moment: number, happen: () => void, kind: Happening['kind'] = 'world', owner: Owner | null = null): Happening {
    const happening = { at: Math.max(this.now, moment), order: this.#order++, kind, owner, happen, isOff: false };
    this.#push(happening);
    return happening;
  }

  /** Lets a paused owner go on: its timers are late and run first, then what came for it meanwhile. */
  resume(owner: Owner): void {
    owner.isPaused = false;
    const late = owner.backlog.splice(0);
    for (const one of [...late.filter(({ kind }) => kind === 'timer'), ...late.filter(({ kind }) => kind !== 'timer')]) this.#push(Object.assign(one, { at: this.now, order: this.#order++ }));
  }

  /** Lets things happen until `isOver`, until a moment, or until nothing is planned any more. */
  async run(until: number, isOver: () => boolean): Promise<void> {
    await settled();
    while (!isOver()) {
      const next = this.#heap[0];
      if (next === undefined || next.at > until) return;
      this.#pop();
      if (next.isOff || next.owner?.isGone === true) continue;
      this.now = Math.max(this.now, next.at);
      if (next.owner?.isPaused === true) { next.owner.backlog.push(next); continue; }
      this.happened += 1;
      next.happen();
      await settled(); // T1
    }
  }

  #push(one: Happening): void {
    const heap = this.#heap;
    let i = heap.push(one) - 1;
    for (let up = (i - 1) >> 1; i > 0 && isBefore(one, heap[up]); up = (i - 1) >> 1) { swap(heap, i, up); i = up; }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let i = 0; ;) {
      const left = 2 * i + 1;
      const child = left + 1 < heap.length && isBefore(heap[left + 1], heap[left]) ? left + 1 : left;
      if (child >= heap.length || !isBefore(heap[child], heap[i])) return;
      swap(heap, i, child);
      i = child;
    }
  }
}

const isBefore = (a: Happening | undefined, b: Happening | undefined): boolean => a !== undefined && b !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order));
function swap(heap: Happening[], i: number, j: number): void {
  const [a, b] = [heap[i], heap[j]];
  if (a !== undefined && b !== undefined) { heap[i] = b; heap[j] = a; }
}
