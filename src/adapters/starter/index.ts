import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Programs } from './text.ts';

export { readCommand, type Wrapped } from './command.ts';
export { findPython, isProgram, type FoundPython } from './environment.ts';
export { layOut, takenBy } from './folder.ts';
export { directionOf, faultOf, namesIn, patternFor, rangeOf, valuesIn } from './metric.ts';
export { proposePartition } from './partition.ts';
export { expand, headOf, namedBy, NoBaseline, reach, readHead } from './repository.ts';
export { ROLES } from './signs.ts';
export { evaluatorFiles, surfaceFiles, type Plan } from './text.ts';

/** The programs a wrapped command's evaluator is made of. */
export async function readPrograms(): Promise<Programs> {
  const read = (name: string): Promise<string> => readFile(join(import.meta.dirname, 'wrapper', `${name}.py`), 'utf8');
  const [harness, reading, scorer] = await Promise.all([read('harness'), read('reading'), read('scorer')]);
  return { harness, reading, scorer };
}
