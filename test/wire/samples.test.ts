import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import * as actor from '../../src/protocols/actor.ts';
import * as lineage from '../../src/protocols/lineage.ts';
import * as measurement from '../../src/protocols/measurement.ts';
import type { CommandMessage, FactMessage, TelemetryMessage } from '../../src/protocols/message.ts';
import * as run from '../../src/protocols/run.ts';
import * as session from '../../src/protocols/session.ts';
import * as trial from '../../src/protocols/trial.ts';

type Message = FactMessage<string, unknown> | CommandMessage<string, unknown, unknown> | TelemetryMessage<string, unknown>;
const isMessage = (value: unknown): value is Message => typeof value === 'object' && value !== null && 'kind' in value && 'pattern' in value;
const messages = new Map([actor, lineage, measurement, run, session, trial].flatMap((family) => Object.values(family)).filter(isMessage).map((message) => [`${message.kind} ${message.pattern}`, message]));

const SampleFile = z.strictObject({
  kind: z.enum(['evt', 'cmd', 'tel']), pattern: z.string(),
  samples: z.array(z.union([z.strictObject({ subject: z.string(), body: z.unknown() }), z.strictObject({ subject: z.string(), request: z.unknown(), reply: z.unknown() })])).min(1),
});
const folder = join(import.meta.dirname, 'samples');
const files = readdirSync(folder).map((name) => ({ name, ...SampleFile.parse(JSON.parse(readFileSync(join(folder, name), 'utf8'))) }));

describe('a message that was ever sent', () => {
  const cases = files.flatMap(({ name, kind, pattern, samples }) => samples.map((sample, i) => [`${name} ${i}`, `${kind} ${pattern}`, sample] as const));
  test.each(cases)('%s still has its word, its subject and its meaning', (_, key, sample) => {
    const message = messages.get(key);
    if (!message) throw new Error(`no message says ${key} any more: words are never taken back`);
    expect(message.idsOf(sample.subject)).not.toBeNull();
    expect(message.subject(message.idsOf(sample.subject) ?? {})).toBe(sample.subject);
    const parts = 'body' in sample ? ('body' in message ? [[message.body, sample.body]] as const : []) : ('request' in message ? [[message.request, sample.request], [message.reply, sample.reply]] as const : []);
    expect(parts.length).toBeGreaterThan(0);
    for (const [schema, body] of parts) {
      const parsed = schema.safeParse(body);
      expect(parsed.error?.issues ?? []).toEqual([]);
      if (body !== '') expect(parsed.data).toEqual(body);
    }
  });
  test('every message has a sample', () => {
    const sampled = new Set(files.map(({ kind, pattern }) => `${kind} ${pattern}`));
    expect([...messages.keys()].filter((key) => !sampled.has(key))).toEqual([]);
  });
});

describe('a message with one more field than it has', () => {
  test.each(files.map((file) => [file.name, file] as const))('%s is refused', (_, { kind, pattern, samples }) => {
    const message = messages.get(`${kind} ${pattern}`);
    for (const sample of samples) {
      const body: unknown = 'body' in sample ? sample.body : sample.reply;
      const schema = message && ('body' in message ? message.body : message.reply);
      expect(schema?.safeParse({ ...(body as object), surprise: 1 }).success).toBe(false);
    }
  });
});
