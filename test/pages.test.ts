import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { PAGES } from './support/pages.ts';

// What the pages point at is there. Their commands for brigade are held against its help in test/deploy/files.test.ts, those for nats in test/cli/nats-guide.test.ts.

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
/** As whoever shows a page makes them of its headings. */
const anchorsOf = (text: string): string[] => [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'));

test.each(PAGES)('%s: every link leads to a file that is there, and to a heading of it', (page) => {
  for (const [, path = '', anchor] of read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
    const target = path === '' ? page : join(dirname(page), path);
    expect(existsSync(join(ROOT, target)), `${page} links to ${path}`).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(read(target)), `${page} links to #${anchor} of ${target}`).toContain(anchor);
  }
});

test.each(PAGES)('%s: every file of src, test and deploy that it names is there', (page) => {
  for (const [path] of read(page).matchAll(/(?<![\w./-])(?:src|test|deploy)\/[\w./-]*\w/g)) expect(existsSync(join(ROOT, path)), `${page} names ${path}`).toBe(true);
});

test.each(PAGES)('%s: every npm script that it names exists', (page) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> };
  for (const [, name = ''] of read(page).matchAll(/npm run ([a-z][a-z:-]*)/g)) expect(Object.keys(scripts), `${page} says npm run ${name}`).toContain(name);
});
