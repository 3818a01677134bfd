import { z } from 'zod';
import { PROTECTED } from '../../domain/partition.ts';
import type { Described } from './document.ts';
import { inside, name, size, whole, words } from './field.ts';

// What a surface.yaml may say.

const claim = z.string('give a file, or "file#symbol"').regex(/^[^#\s]+(?:#\S(?:.*\S)?)?$/, 'give a file, or "file#symbol"');
const claims = z.array(claim, 'list files and "file#symbol"s');
const roster = z.array(name, 'list the specialists').min(1, 'list at least one specialist').max(64, 'list at most 64').refine((names) => new Set(names).size === names.length, 'name each specialist once')
  .refine((names) => !names.includes(PROTECTED), `\`${PROTECTED}\` is the owner nobody is: choose another name`);
const partition = z.record(z.string(), claims, 'map each specialist to what it owns');

const Roster = z.strictObject({ roster, partition, protected: claims.default([]), /** Specialists who own nothing and are held to what is protected only. */ advisory: z.array(name).default([]) });
const glob = z.string('give a path, * within a name, ** for folders').regex(/^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[A-Za-z0-9_*.\-/]+$/, 'give a path inside the repository; * stands for part of a name, ** for folders');

export const SurfaceSchema = z.strictObject({
  title: words,
  evaluator: name,
  slots: z.strictObject({ kind: z.enum(['cpu', 'gpu'], 'give cpu or gpu'), count: whole(1, 64), memory: size, exclusive: z.boolean('give true or false').default(false) }),
  calibration: z.strictObject({ replicates: whole(2, 50) }),
  limits: z.strictObject({ trials: whole(1, 1_000_000), minutes: whole(1, 1_000_000) }),
  upstream: z.strictObject({
    repository: z.string().regex(/^(?:https:\/\/|file:\/\/)\S+$/, 'give an https:// address'),
    commit: z.string().regex(/^[0-9a-f]{40}$/, 'give the whole commit in 40 hexadecimal digits'),
    license: words, size, files: z.array(glob, 'list the files that make the recipe').min(1, 'list at least one file').max(64),
    needs: words.default('what its README says'),
  }).optional(),
  starts: z.record(name, z.strictObject({
    says: words, files: z.record(inside, inside.or(z.string().regex(/^[^\u0000-\u001f]+$/))).default({}), packed: z.boolean().default(false),
    partition: partition.optional(), protected: claims.optional(), rosters: z.record(name, Roster).optional(), prepare: z.array(words).max(16).default([]),
  })).default({}),
  roster, partition, protected: claims.default([]), advisory: z.array(name).default([]),
  rosters: z.record(name, Roster).default({}),
  addable: z.array(inside.or(z.string().regex(/\/$/)).refine((prefix) => prefix.endsWith('/') && inside.safeParse(prefix.slice(0, -1)).success, 'give folders of the recipe, each ending in /')).default([]),
}).refine(({ upstream, starts }) => upstream !== undefined || Object.keys(starts).length === 0, { path: ['starts'], message: 'only a surface with an upstream has starts' });

export type SurfaceFile = Described<z.infer<typeof SurfaceSchema>>;
export type Upstream = NonNullable<z.infer<typeof SurfaceSchema>['upstream']>;
