import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

/** Who may import whom. `pkg:` names are npm packages, `node:` the platform; anything not listed is refused. The first rule that fits a file holds. */
const RULES: readonly (readonly [RegExp, RegExp])[] = [
  [/^src\/domain\//, /^src\/domain\//],
  [/^src\/protocols\//, /^(src\/(domain|protocols)\/|pkg:zod$)/],
  [/^src\/ports(\.ts$|\/)/, /^src\/(domain|protocols|ports)\//],
  [/^src\/actors\/[^/]+\/(machine|decide)\.ts$/, /^(src\/(domain|protocols)\/|pkg:xstate$|own-actor$)/],
  [/^src\/actors\//, /^(src\/(domain|protocols)\/|src\/ports\.ts$|pkg:(xstate$|@langchain\/)|own-actor$)/],
  [/^src\/adapters\//, /^(src\/(domain|protocols)\/|src\/ports\.ts$|own-adapter$|pkg:|node:)/],
  [/^src\/(cli\/|main\.ts$)/, /^(src\/actors\/[^/]+\/index\.ts$|src\/(domain|protocols|adapters|cli)\/|src\/ports\.ts$|pkg:|node:)/],
];

const folder = (file: string): string => file.split('/').slice(0, 3).join('/');
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts')).map((file) => join('src', file)).sort();

test.each(sources)('%s imports only what its layer may', (file) => {
  const rule = RULES.find(([layer]) => layer.test(file))?.[1];
  const imports = [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, from = '']) => {
    if (from.startsWith('node:')) return from;
    if (!from.startsWith('.')) return `pkg:${from}`;
    const target = normalize(join(dirname(file), from));
    if (folder(target) !== folder(file)) return target;
    return file.startsWith('src/actors/') ? 'own-actor' : file.startsWith('src/adapters/') ? 'own-adapter' : target;
  });
  expect(imports.filter((target) => !rule?.test(target))).toEqual([]);
});

test('no folder or file is a drawer', () => {
  expect(sources.filter((file) => /(^|\/)(utils?|common|helpers?|shared|types)(\.ts|\/)/.test(file))).toEqual([]);
});

test('every exported function of the domain carries a sentence', () => {
  const silent = sources.filter((file) => file.startsWith('src/domain/')).flatMap((file) => {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.flatMap((line, i) => (/^export (function|const \w+ = (\(|<))/.test(line) && !/\*\/\s*$/.test(lines[i - 1] ?? '') ? [`${file}:${i + 1}`] : []));
  });
  expect(silent).toEqual([]);
});
