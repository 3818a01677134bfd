import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const within = (folder: string): string[] => readdirSync(join(ROOT, folder)).map((name) => join(folder, name));

/** The pages somebody reads, each by its path from the root. */
export const PAGES: readonly string[] = [
  'README.md', ...within('docs').filter((path) => path.endsWith('.md')), 'src/protocols/README.md', 'deploy/setup/README.md',
  ...[...within('surfaces'), ...within('evaluators')].map((folder) => join(folder, 'README.md')),
];
