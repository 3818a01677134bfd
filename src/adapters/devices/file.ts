import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { BadDevices, type FoundDevices } from './device.ts';

// Devices as a file lists them: of a vendor that has no adapter here, or of a test. Whoever keeps the file writes it anew when a device is no longer clean.

const path = z.string().regex(/^\/[^\u0000-\u001f]+$/, 'give an absolute path');
const text = z.string().min(1, 'say something').max(120).regex(/^[^\u0000-\u001f]+$/, 'one line');
const variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'give the name of an environment variable');
const token = z.string().regex(/^[A-Za-z0-9_.-]{1,80}$/, 'letters, digits, _ . and -');

const Listed = z.strictObject({
  vendor: token,
  /** The variable that shows a program the devices it may use, such as CUDA_VISIBLE_DEVICES. */
  variable,
  /** Device files that whoever uses any of them opens. */
  files: z.array(path).max(64).default([]),
  reads: z.array(path).max(64).default([]),
  env: z.record(variable, text).default({}),
  devices: z.array(z.strictObject({
    index: z.int().min(0).max(999), id: token, model: text, driver: text, memoryBytes: z.int().positive(),
    files: z.array(path).max(64).default([]),
    /** Why it is not clean; null or left out while it is. */
    unclean: text.nullable().default(null),
  })).max(1000),
}).refine(({ devices }) => new Set(devices.map(({ index }) => index)).size === devices.length && new Set(devices.map(({ id }) => id)).size === devices.length, { path: ['devices'], message: 'each index and each id once' });

/** The devices that a file lists; throws BadDevices with the file and the field that is wrong. */
export function findListed(file: string): FoundDevices {
  const first = read(file);
  const devices = first.devices.map(({ index, id, model, driver, memoryBytes }) => ({ index, id, vendor: first.vendor, model, driver, memoryBytes }));
  return {
    devices, notices: [],
    show: (indexes) => {
      const some = indexes.flatMap((index) => first.devices.find((device) => device.index === index) ?? []);
      return { count: some.length, files: [...first.files, ...some.flatMap(({ files }) => files)], reads: first.reads, env: { ...first.env, [first.variable]: some.map(({ id }) => id).join(',') } };
    },
    unclean: async (index) => {
      try {
        const device = read(file).devices.find((one) => one.index === index);
        return device === undefined ? `${file} lists no device ${index} any more` : device.unclean;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
}

function read(file: string): z.infer<typeof Listed> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new BadDevices(`${file} cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = Listed.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new BadDevices(parsed.error.issues.slice(0, 5).map((issue) => `${file}: ${issue.path.join('.') || 'the whole'}: ${issue.message}`).join('\n'));
}
