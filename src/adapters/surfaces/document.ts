import { readFile } from 'node:fs/promises';
import { isNode, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { suggest } from '../../domain/likeness.ts';
import { BadSurface } from './bad-surface.ts';

export type Path = readonly (string | number)[];

/** A YAML file that was read and fits its schema, and where in it each field stands. */
export interface Described<T> {
  readonly value: T;
  line(path: Path): number;
  /** `file:line:column  field: message`, at the nearest field that is there. */
  problem(path: Path, message: string): string;
}

/** Reads a YAML file against a closed schema. Throws `BadSurface` with every problem; `shown` is how the file is called in them. */
export async function readDescribed<T>(file: string, shown: string, schema: z.ZodType<T>): Promise<Described<T>> {
  const source = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BadSurface([`${shown} cannot be read: every folder beside it has one; copy it from another and change it.`], { cause });
  });
  const counter = new LineCounter();
  const document = parseDocument(source, { lineCounter: counter, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new BadSurface(document.errors.map(({ pos, message }) => {
      const { line, col } = counter.linePos(pos[0]);
      return `${shown}:${line}:${col}  ${message.split('\n')[0] ?? ''}: correct the YAML there.`;
    }));
  }
  const position = (path: Path): { line: number; col: number } => counter.linePos(offsetOf(document, path));
  const problem = (path: Path, message: string): string => {
    const { line, col } = position(path);
    return `${shown}:${line}:${col}  ${path.filter((step) => typeof step === 'string').join('.') || 'file'}: ${message}`;
  };
  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 1000 }));
  if (!parsed.success) throw new BadSurface(parsed.error.issues.flatMap((issue) => explain(issue, schema, problem, document)));
  return { value: parsed.data, line: (path) => position(path).line, problem };
}

/** Where a field begins, or else the nearest one that holds it. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function explain(issue: z.core.$ZodIssue, schema: z.ZodType, problem: (path: Path, message: string) => string, document: Document): readonly string[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(schema, path);
    return issue.keys.map((key) => problem([...path, key], `no such field${suggest(key, known)}${known.length > 0 ? ` The fields are ${known.join(', ')}.` : ''}`));
  }
  if (path.length > 0 && !document.hasIn(path)) return [problem(path, `is missing: add it (${issue.message}).`)];
  const given = JSON.stringify(plain(document.getIn(path)));
  return [problem(path, `${given.slice(0, 80)} will not do: ${issue.message}.`)];
}

const plain = (value: unknown): unknown => (value !== null && typeof value === 'object' && 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : value ?? null);

/** Names of the fields that a schema takes at a path. */
function fieldsAt(schema: z.ZodType, path: Path): readonly string[] {
  let at: unknown = schema;
  for (const step of path) {
    at = unwrap(at);
    at = at instanceof z.ZodObject ? at.shape[String(step)] : at instanceof z.ZodArray ? at.element : at instanceof z.ZodRecord ? at.valueType : undefined;
  }
  at = unwrap(at);
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function unwrap(schema: unknown): unknown {
  let at = schema;
  while (at instanceof z.ZodDefault || at instanceof z.ZodOptional || at instanceof z.ZodNullable || at instanceof z.ZodPipe) at = at instanceof z.ZodPipe ? at.in : at.unwrap();
  return at;
}
