import { createInterface, type Interface } from 'node:readline/promises';

/** The person at the terminal left: nothing was written. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted: nothing was written');
    this.name = 'Interrupted';
  }
}

/** Asks one question; an empty answer is the proposal's. */
export interface Asker extends Disposable {
  ask(question: string, proposal: string | null): Promise<string>;
}

export interface Terminal { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream }

/** Asks on a terminal. Ctrl-C and the end of input throw `Interrupted`. */
export function openAsker({ input, output }: Terminal): Asker {
  const lines: Interface = createInterface({ input, output, terminal: false });
  const waiting: ((line: string | null) => void)[] = [];
  const heard: (string | null)[] = [];
  const hear = (line: string | null): void => { const next = waiting.shift(); if (next) next(line); else heard.push(line); };
  lines.on('line', hear).on('close', () => hear(null)).on('SIGINT', () => lines.close());
  return {
    async ask(question, proposal) {
      output.write(`${question}${proposal === null ? '' : ` [${proposal}]`} `);
      const line = heard.length > 0 ? heard.shift() ?? null : await new Promise<string | null>((resolve) => waiting.push(resolve));
      if (line === null) throw new Interrupted();
      return line.trim() === '' ? proposal ?? '' : line.trim();
    },
    [Symbol.dispose]() { lines.close(); },
  };
}
