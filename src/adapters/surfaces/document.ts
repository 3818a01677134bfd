import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';

/** A surface or evaluator folder is not what it must be; the message names file, line, field and remedy. */
export class BadSurface extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BadSurface';
  }
}

/** A YAML file with the places of its fields. */
export interface Read<T> {
  readonly value: T;
  /** `surfaces/mine/surface.yaml:14:7` for a path into the document. */
  where(path: readonly PropertyKey[]): string;
  lineOf(path: readonly PropertyKey[]): number;
}

/** Reads a YAML file by a closed schema. Every fault is told with its line and field. */
export async function readDocument<T>(root: string, file: string, schema: z.ZodType<T>): Promise<Read<T>> {
  const name = relative(root, file);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => { throw new BadSurface(`${name} cannot be read: a folder there needs one`, { cause }); });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const [fault] = document.errors;
  if (fault) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new BadSurface(`${name}:${line}:${col}  ${(fault.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '')}`);
  }
  const at = (path: readonly PropertyKey[]): { line: number; col: number } => lines.linePos(offsetOf(document, path));
  const where = (path: readonly PropertyKey[]): string => { const { line, col } = at(path); return `${name}:${line}:${col}`; };
  const parsed = schema.safeParse(document.toJS());
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue?.path ?? [];
    const says = issue?.code === 'unrecognized_keys' ? 'is no field of this file: remove it, or mend its spelling' : issue?.message ?? 'is not what it must be';
    throw new BadSurface(`${where(path)}  ${path.map(String).join('.') || 'the file'}: ${says}`);
  }
  return { value: parsed.data, where, lineOf: (path) => at(path).line };
}

/** Offset of the key that `path` names, or of the nearest of its parents that is there. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  let offset = 0;
  let node: unknown = document.contents;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
      if (!pair) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else {
      const child = isNode(node) && 'items' in node ? (node as { items: unknown[] }).items[Number(step)] : undefined;
      if (!isNode(child)) break;
      offset = child.range?.[0] ?? offset;
      node = child;
    }
  }
  return offset;
}
