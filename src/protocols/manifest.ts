import { z } from 'zod';
import { count, line, sha256 } from './message.ts';

/** What set-up leaves beside a data set that is a folder, as <set>.manifest.json: every file of it with its digest, and the time it bore then. */
export const ManifestSchema = z.strictObject({
  files: z.array(z.strictObject({ path: line(400).min(1), bytes: count, sha256, mtimeMs: count })).min(1).max(100_000),
});
export type Manifest = z.infer<typeof ManifestSchema>;
