import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patches } from '../../src/adapters/patches/index.ts';
import { openSyntax } from '../../src/adapters/python/index.ts';
import { loadSurface, SurfaceNotSetUp } from '../../src/adapters/surfaces/index.ts';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';
import { admissionOf } from '../../src/cli/admission.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import type { Syntax } from '../../src/ports.ts';

// Ownership on the real upstream trees, line by line, against tables of lines that were written down by hand from reading the files.
// A table knows lines and no names, the partition names and no lines; lines that a description of the file leaves open are in no table.

const root = join(import.meta.dirname, '..', '..');
type Lines = readonly (readonly [first: number, last: number])[];
type Table = Readonly<Record<string, Lines>>;

/** `855-893 900` as pairs. */
const lines = (text: string): Lines => text.split(/\s+/).map((range) => { const [first = 0, last = first] = range.split('-').map(Number); return [first, last] as const; });

const TABLES: Readonly<Record<string, Readonly<Record<string, Table>>>> = {
  'parameter-golf': {
    'train_gpt.py': {
      optimizer: lines('55-56 74-76 78-87 96-109 112-168 851-893 924-933 1021-1024 1026-1028 1030-1034'),
      architecture: lines('60 63-71 77 500-515 524-724 826-838'),
      data: lines('57-58 429-494 916 946 961 1014'),
      kernel: lines('288-422 516-521 736 750 762-763 766-769 839-844 1011-1013 1015-1019 1076-1081 1083-1084 1096-1098'),
      protected: lines('40-49 51 59 180-204 207-216 219-278 734-735 742-745 754-757 800-803 812-817 922 938-939 967-972 974-976 978-991 1036-1037 1049-1055 1071 1086-1087 1100-1113'),
    },
  },
  'nanochat-d12': {
    'scripts/base_train.py': {
      optimizer: lines('62-69 273-274 279 281-283 287-288 293 302 308-316 360-386 520-527'),
      architecture: lines('51-52 54 129-143'),
      data: lines('53 56-58 61 269 331 342 346 350'),
      kernel: lines('47-48 60 178-191 324 333 407-408 410 510-518 529-540 590-594'),
      protected: lines('50 70 72-79 85-95 150-161 195-240 252-257 263-268 393-404 417-418 422-436 441-453 458-474 478-500 508-509 541-544 548-556 558-565 569-580 583-584'),
    },
    'nanochat/gpt.py': {
      optimizer: lines('419-457'),
      architecture: lines('30-39 42-43 53-65 67-141 144-201 203-314 459-510'),
      kernel: lines('49-50 511-515 520-524'),
      protected: lines('316-317 319-417 526-555'),
    },
    'nanochat/common.py': { kernel: lines('16-32'), protected: lines('46-66 71-214 228-328') },
    'nanochat/optim.py': { optimizer: lines('23-459') },
    'nanochat/dataloader.py': { data: lines('25-166') },
    'nanochat/fp8.py': { kernel: lines('78-266') },
    'nanochat/flash_attention.py': { kernel: lines('23-195') },
    'nanochat/core_eval.py': { protected: lines('17-262') },
    'scripts/base_eval.py': { protected: lines('1-243') },
  },
  airbench96: {
    'airbench96_faster.py': {
      optimizer: lines('28-29 31-36 412-420 458-464 466 470 477-492 535-545 551 556 563-588'),
      architecture: lines('44-50 53-59 291-373 382-406 495-496 597-598'),
      data: lines('30 39-41 71-116 161-242 467-469 498-500 503 509-513 519-523 553-554 606 635-637'),
      kernel: lines('24 143-144 146 375-379 611 615-624 631 638-651 663-665 691-698'),
      protected: lines('60 118-126 248-285 426-450 472 547-549 552 558 561 591-596 599-605 607-610 632 654-656 676-683 685 688-689 701-702 705-710'),
    },
  },
};

let syntax: Syntax & AsyncDisposable;
beforeAll(async () => { syntax = await openSyntax({ python: (await findToolchain(root)).python }); });
afterAll(() => syntax[Symbol.asyncDispose]());

const cases: { name: string }[] = [];
for (const name of Object.keys(TABLES)) {
  const why = await loadSurface(root, name).then(() => null, (error: unknown) => { if (error instanceof SurfaceNotSetUp) return error.message; throw error; });
  if (why === null) cases.push({ name });
  else process.stderr.write(`the real tree is not tried: ${why}\n`);
}

test.each(Object.keys(TABLES))('no line of %s has two owners in its table, and its owners are the roster of its surface', async (name) => {
  for (const [file, table] of Object.entries(TABLES[name] ?? {})) {
    const all = Object.values(table).flatMap((ranges) => ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)));
    expect(new Set(all).size, file).toBe(all.length);
  }
  const owners = new Set(Object.values(TABLES[name] ?? {}).flatMap((table) => Object.keys(table)));
  const surface = await loadSurface(root, name).catch((error: unknown) => { if (error instanceof SurfaceNotSetUp) return error.outline; throw error; });
  expect(owners).toEqual(new Set([...surface.roster.map(({ specialist }) => specialist), 'protected']));
});

describe.each(cases)('the real tree of $name', ({ name }) => {
  test('a line edited at random is admitted from the owner that the table of lines says, and refused to every other; what the table protects, to all', async () => {
    const surface = await loadSurface(root, name, syntax);
    const admit = admissionOf(surface, { syntax, patches });
    const tables = TABLES[name] ?? {};
    const files = Object.keys(tables);
    const found = JSON.parse(execFileSync('python3', [join(import.meta.dirname, 'tokens.py'), ...files.map((file) => join(surface.checkout ?? '', file))], { encoding: 'utf8', maxBuffer: 2 ** 26 })) as Record<string, [number, number, number][]>;
    const places = files.flatMap((file) => (found[join(surface.checkout ?? '', file)] ?? []).flatMap(([line, from, to]) => {
      const owner = Object.entries(tables[file] ?? {}).find(([, ranges]) => ranges.some(([first, last]) => first <= line && line <= last))?.[0];
      return owner === undefined ? [] : [{ file, line, from, to, owner }];
    }));
    expect(new Set(places.map(({ owner }) => owner)), 'every owner has lines').toEqual(new Set([...surface.roster.map(({ specialist }) => specialist), 'protected']));
    const owners = [...new Set(places.map(({ owner }) => owner))];
    await fc.assert(fc.asyncProperty(fc.constantFrom(...owners).chain((owner) => fc.constantFrom(...places.filter((place) => place.owner === owner))), async ({ file, line, from, to, owner }) => {
      const text = Buffer.from((surface.recipe[file] ?? '').split('\n')[line - 1] ?? '', 'utf8'); // Python counts bytes
      const edited = (surface.recipe[file] ?? '').split('\n').map((each, i) => (i === line - 1 ? `${text.subarray(0, from).toString()}${/\d/.test(text.subarray(from, from + 1).toString()) ? '9173' : 'None'}${text.subarray(to).toString()}` : each)).join('\n');
      const after: Recipe = { ...surface.recipe, [file]: edited };
      for (const { specialist } of surface.roster) {
        const said = await admit({ specialist, patch: patches.diff(surface.recipe, after), parent: surface.recipe, ownership: 'enforced', parts: [], authors: [specialist], chain: [], baseline: surface.recipe, known: async () => null });
        const told = `${file}:${line} ${text.toString().trim()} by ${specialist}: ${said.kind === 'rejected' ? said.rejection.message : said.kind}`;
        if (specialist === owner) expect(said.kind, told).toBe('admitted');
        else expect(said.kind === 'rejected' ? [said.rejection.rule, said.rejection.owner] : said.kind, told).toEqual(owner === 'protected' ? ['protected', null] : ['ownership', owner]);
      }
    }), { seed: 3, numRuns: 40 });
  });
});
