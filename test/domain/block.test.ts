import { beforeAll, describe, expect, test } from 'vitest';
import { openParser, type PythonParser } from '../../src/adapters/python/index.ts';
import { divide } from '../../src/domain/block.ts';
import { claimsAfter, judgeOwnership, type PatchedTables } from '../../src/domain/ownership.ts';
import { ownerOf, validatePartition } from '../../src/domain/partition.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import type { Claim } from '../../src/domain/surface.ts';
import type { Tables } from '../../src/domain/symbol.ts';

// A training script in the shape of those that mix everything in one function, and one that mixes it at the module's top.

let parser: PythonParser;
beforeAll(async () => { parser = await openParser(); });

const TRAIN = `import time
import torch

class Settings:
    rate = float(environ("RATE", 0.04))
    width: int = 8

def main():
    args = Settings()
    torch.backends.allow_tf32 = True
    model = Net(args.width).to("cuda")
    fast = torch.compile(model)
    params = list(model.parameters())
    if args.extra > 0:
        params.append(model.extra)
    opt = SGD(params, lr=args.rate)

    def scale(step):
        return 1.0 - step / 100

    for group in opt.groups:
        group["base"] = args.rate
    t0 = time.time()
    step = 0
    while True:
        last = step == 100
        if last:
            break
        for micro in range(4):
            x, y = loader.next_batch(16)
            with torch.autocast("cuda"):
                loss = fast(x, y)
            loss.backward()
        for group in opt.groups:
            group["lr"] = group["base"] * scale(step)
        if args.clip > 0:
            torch.nn.utils.clip_grad_norm_(params, args.clip)
        opt.step()
        step += 1
        log(f"time {time.time() - t0}")
    return step
`;
const FLAT = `import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--depth", default=12)
parser.add_argument("--matrix-lr", default=0.02)
args = parser.parse_args()
hyp = {
    'opt': {'lr': 9.0, 'epochs': 45.0},
    'net': {'widths': {'block1': 128}},
}
if args.fp8:
    convert(model)
step = 0
while True:
    lrm = get_lr(step)
    optimizer.step()
    if step == 10: break
    step += 1
if __name__ == "__main__":
    model = torch.compile(model, mode="max")
    runs = [main(run) for run in range(200)]
`;
const recipe: Recipe = { 'train.py': TRAIN, 'flat.py': FLAT };
const claim = (owner: string, text: string, line = 1): Claim => { const at = text.indexOf('#'); return { owner, file: text.slice(0, at < 0 ? undefined : at), symbol: at < 0 ? null : text.slice(at + 1), line }; };
const claims: readonly Claim[] = [
  ...['Settings.rate', 'main@params', 'main@call:params.append', 'main@opt', 'main@scale', 'main@group["base"]', 'main@group["lr"]', 'main@call:torch.nn.utils.clip_grad_norm_', 'main@call:opt.step'].map((symbol) => claim('optimizer', `train.py#${symbol}`)),
  ...['main@model', 'Settings'].map((symbol) => claim('architecture', `train.py#${symbol}`)),
  claim('data', 'train.py#main@x'),
  ...['main@call:torch.compile', 'main@for:micro', 'main@torch.backends.allow_tf32'].map((symbol) => claim('kernel', `train.py#${symbol}`)),
  claim('protected', 'train.py#main'), claim('kernel', 'train.py'),
  ...['<module>@call:parser.add_argument("--matrix-lr")', 'hyp["opt"]["lr"]', '<module>@lrm', '<module>@call:optimizer.step'].map((symbol) => claim('optimizer', `flat.py#${symbol}`)),
  ...['<module>@call:parser.add_argument("--depth")', 'hyp["net"]'].map((symbol) => claim('architecture', `flat.py#${symbol}`)),
  ...['<module>@if:args.fp8', '<module>@call:torch.compile'].map((symbol) => claim('kernel', `flat.py#${symbol}`)), claim('data', 'flat.py#hyp'), claim('protected', 'flat.py'),
];
const roster = ['optimizer', 'architecture', 'data', 'kernel'];
const tablesOf = (of: Recipe): Tables => Object.fromEntries(Object.entries(of).map(([file, text]) => [file, parser.symbols(text)]));
const edit = (from: string, to: string, of: Recipe = recipe): Recipe => {
  const file = Object.keys(of).find((name) => of[name]?.includes(from));
  if (file === undefined) throw new Error(`no ${from}`);
  return { ...of, [file]: (of[file] ?? '').replace(from, () => to) };
};
const patched = (author: string, after: Recipe, extra: Partial<PatchedTables> = {}): PatchedTables => ({
  authors: [author], parts: [tablesOf(after)], claims, addable: [], mode: 'enforced', before: { recipe, tables: tablesOf(recipe) }, after: { recipe: after, tables: tablesOf(after) }, ...extra,
});
const judge = (author: string, after: Recipe, extra: Partial<PatchedTables> = {}) => judgeOwnership(patched(author, after, extra));

test('the partition is whole', () => { expect(validatePartition(claims, roster, tablesOf(recipe))).toEqual([]); });

test.each([
  ['train.py#main@scal', 'recipe/train.py defines no `main@scal`; did you mean `main@scale`?'],
  ['train.py#main@call:torch.compiled', 'recipe/train.py defines no `main@call:torch.compiled`; did you mean `main@call:torch.compile`?'],
  ['flat.py#<module>@call:parser.add_argument("--width")', 'recipe/flat.py defines no `<module>@call:parser.add_argument("--width")`'],
])('a claim on a block that is not there is told: %s', (text, message) => {
  expect(validatePartition([...claims, claim('kernel', text)], roster, tablesOf(recipe)).map((fault) => fault.message.slice(0, message.length))).toEqual([message]);
});

test('a statement that two owners claim alike is told', () => {
  const both = [...claims, claim('kernel', 'train.py#main@y')];
  expect(validatePartition(both, roster, tablesOf(recipe)).map(({ message }) => message)).toEqual(['`main@x` and `main@y` of recipe/train.py are defined by one statement and have several owners: give them to one, or write them as several statements.']);
});

describe('every kind of anchor finds its statement', () => {
  const changes: readonly (readonly [string, string, string, string])[] = [
    ['an assigned name', 'params = list(model.parameters())', 'params = [*model.parameters()]', 'main@params'],
    ['a function defined inside', 'return 1.0 - step / 100', 'return 1.0', 'main@scale'],
    ['a call', 'torch.compile(model)\n', 'torch.compile(model, dynamic=False)\n', 'main@call:torch.compile'],
    ['a key', 'group["base"] * scale(step)', 'group["base"] * scale(step + 1)', 'main@group["lr"]'],
    ['an attribute', 'allow_tf32 = True', 'allow_tf32 = False', 'main@torch.backends.allow_tf32'],
    ['a loop by its variable', 'range(4)', 'range(8)', 'main@for:micro'],
    ['a statement inside another’s loop', 'next_batch(16)', 'next_batch(32)', 'main@x'],
    ['a statement of a loop that nobody else claims', 'loss.backward()', 'loss.mean().backward()', 'main@for:micro'],
    ['a condition all of whose statements are one owner’s', 'if args.clip > 0:', 'if args.clip > 0.5:', 'main@call:torch.nn.utils.clip_grad_norm_'],
    ['a condition with what it adds to a list', 'if args.extra > 0:', 'if args.extra > 1:', 'main@call:params.append'],
    ['the rest of the function', 'last = step == 100', 'last = step == 99', 'main'],
    ['the head of a function', 'def main():', 'def main(argv=None):', 'main'],
    ['a class attribute', '"RATE", 0.04', '"RATE", 0.05', 'Settings.rate'],
    ['a call by its first argument', '"--matrix-lr", default=0.02', '"--matrix-lr", default=0.04', '<module>@call:parser.add_argument("--matrix-lr")'],
    ['another call of the same function', '"--depth", default=12', '"--depth", default=13', '<module>@call:parser.add_argument("--depth")'],
    ['a key of a dictionary in a dictionary', "'lr': 9.0", "'lr': 8.0", 'hyp["opt"]["lr"]'],
    ['a deeper key', "'block1': 128", "'block1': 64", 'hyp["net"]["widths"]["block1"]'],
    ['a branch by its condition', 'convert(model)', 'convert(model, 2)', '<module>@if:args.fp8'],
    ['a statement of a loop at the module’s top', 'get_lr(step)', 'get_lr(step + 1)', '<module>@lrm'],
    ['a statement under a condition at the module’s top', 'mode="max"', 'mode="min"', '<module>@call:torch.compile'],
    ['the rest of the module', 'range(200)', 'range(2)', '<module>'],
  ];
  test.each(changes)('%s', (_, from, to, symbol) => {
    const after = edit(from, to);
    const file = Object.keys(after).find((name) => after[name] !== recipe[name]) ?? '';
    const texts = (of: Recipe): Map<string, string> => new Map(divide(parser.symbols(of[file] ?? ''), claims, file).symbols.map(({ name, text }) => [name, text]));
    const now = texts(after);
    expect([...texts(recipe)].filter(([name, text]) => now.get(name) !== text).map(([name]) => name)).toEqual([symbol]);
    const owner = ownerOf(claims, file, symbol);
    for (const author of roster) {
      const said = judge(author, after);
      if (author === owner) expect(said, author).toBeNull();
      else expect(said, author).toMatchObject({ rule: owner === 'protected' ? 'protected' : 'ownership', owner: owner === 'protected' ? null : owner, file, symbol });
    }
  });
});

describe('a statement that a patch adds', () => {
  test('beside one’s own block is one’s own, and stays so', () => {
    const added = edit('        opt.step()\n', '        opt.step()\n        ema.update(model)\n');
    const first = patched('optimizer', added);
    expect(judgeOwnership(first)).toBeNull();
    const later = claimsAfter(first);
    const again = (author: string, to: string) => { const after = edit('ema.update(model)', to, added); return judgeOwnership({ ...patched(author, after), claims: later, before: first.after }); };
    expect(again('optimizer', 'ema.update(model, 0.9)')).toBeNull();
    expect(again('kernel', 'ema.update(model, 0.9)')).toMatchObject({ rule: 'protected', symbol: 'main' });
    expect(again('kernel', 'pass')).not.toBeNull();
  });
  const allowed: readonly (readonly [string, string, () => Recipe])[] = [
    ['inside one’s own loop', 'kernel', () => edit('            loss.backward()\n', '            loss.backward()\n            torch.cuda.sync()\n')],
    ['inside one’s own condition', 'optimizer', () => edit('        params.append(model.extra)\n', '        params.append(model.extra)\n        extra = 1\n')],
    ['in the place of one’s own block', 'optimizer', () => edit('if args.clip > 0:\n            torch.nn.utils.clip_grad_norm_(params, args.clip)\n', 'adaptive_clip(params)\n')],
    ['a compound one around one’s own', 'optimizer', () => edit('        opt.step()\n', '        if step % 2:\n            opt.step()\n')],
    ['a flag beside one’s own', 'optimizer', () => edit('parser.add_argument("--matrix-lr", default=0.02)\n', 'parser.add_argument("--matrix-lr", default=0.02)\nparser.add_argument("--beta", default=0.9)\n')],
  ];
  test.each(allowed)('%s is allowed', (_, author, after) => { expect(judge(author, after())).toBeNull(); });

  const refused: readonly (readonly [string, string, () => Recipe, Readonly<Record<string, string | null>>])[] = [
    ['away from one’s own block', 'optimizer', () => edit('    t0 = time.time()\n', '    t0 = time.time()\n    warm()\n'), { rule: 'protected', symbol: 'main' }],
    ['beside another’s block', 'architecture', () => edit('        opt.step()\n', '        opt.step()\n        model.half()\n'), { rule: 'protected', symbol: 'main' }],
    ['that binds what others read', 'optimizer', () => edit('        opt.step()\n', '        opt.step()\n        t0 = 0\n'), { rule: 'protected', symbol: 'main' }],
    ['that rebinds what others read from inside a function', 'optimizer', () => edit('        return 1.0 - step / 100\n', '        nonlocal t0\n        t0 = 0\n        return 1.0 - step / 100\n'), { rule: 'protected', symbol: 'main' }],
    ['that leaves a loop of others', 'optimizer', () => edit('        opt.step()\n', '        opt.step()\n        if step > 3:\n            break\n'), { rule: 'protected', symbol: 'main' }],
    ['that repeats one of others', 'optimizer', () => edit('        opt.step()\n', '        opt.step()\n        step += 1\n'), { rule: 'protected', symbol: 'main' }],
    ['around another’s', 'kernel', () => edit('            x, y = loader.next_batch(16)\n', '            if micro:\n                x, y = loader.next_batch(16)\n'), { rule: 'ownership', owner: 'data' }],
    ['around what is protected', 'optimizer', () => edit('        opt.step()\n        step += 1\n', '        if step >= 0:\n            opt.step()\n            step += 1\n'), { rule: 'protected', symbol: 'main' }],
    ['in the name of another', 'optimizer', () => edit('        opt.step()\n', '        opt.step()\n        x = 0\n'), { rule: 'protected', symbol: 'main' }],
    ['and moves others’', 'kernel', () => edit('    t0 = time.time()\n    step = 0\n', '    step = 0\n    t0 = time.time()\n'), { rule: 'protected', symbol: 'main' }],
    ['and moves another’s block past others’', 'kernel', () => edit('    t0 = time.time()\n', '    t0 = time.time()\n    model = Net(args.width).to("cuda")\n', edit('    model = Net(args.width).to("cuda")\n', '')), { rule: 'ownership', symbol: 'main@model', owner: 'architecture' }],
    ['at the module’s top, away from one’s own', 'optimizer', () => edit('step = 0\nwhile', 'warm()\nstep = 0\nwhile'), { rule: 'protected', symbol: '<module>' }],
  ];
  test.each(refused)('%s is refused', (_, author, after, rejection) => { expect(judge(author, after())).toMatchObject(rejection); });
});

test('a block that binds a name of another from inside may be worded otherwise by its owner, and nobody else may begin to', () => {
  const source = 'def ortho(x): return x\n\ndef main():\n    global ortho\n    ortho = compile(ortho)\n    other = 1\n';
  const of = (text: string): Recipe => ({ 'a.py': text });
  const held = [claim('optimizer', 'a.py#ortho'), claim('kernel', 'a.py#main@ortho'), claim('data', 'a.py#main@other'), claim('protected', 'a.py')];
  const say = (author: string, text: string) => judgeOwnership({ ...patched(author, of(text)), claims: held, before: { recipe: of(source), tables: tablesOf(of(source)) } });
  expect(say('kernel', source.replace('compile(ortho)', 'compile(ortho, 2)'))).toBeNull();
  expect(say('data', source.replace('other = 1', 'other = 1; globals()["ortho"] = 2'))).not.toBeNull();
  expect(say('kernel', source.replace('compile(ortho)', 'compile(ortho); main.x = 2'))).not.toBeNull();
});

test('a function inside a function is divided too, and what it binds or returns stays in it', () => {
  const source = 'def main():\n    n = 1\n    def turn(k):\n        x = next(loader)\n        opt.step()\n        return x\n    while n < 9:\n        n += turn(n)\n';
  const of = (text: string): Recipe => ({ 'a.py': text });
  const held = [claim('data', 'a.py#main@x'), claim('optimizer', 'a.py#main@call:opt.step'), claim('kernel', 'a.py#main@turn'), claim('protected', 'a.py')];
  const say = (author: string, from: string, to: string) => { const after = of(source.replace(from, () => to)); expect(after).not.toEqual(of(source)); return judgeOwnership({ ...patched(author, after), claims: held, before: { recipe: of(source), tables: tablesOf(of(source)) } }); };
  expect(say('data', 'next(loader)', 'next(loader) or next(loader)')).toBeNull();
  expect(say('kernel', 'next(loader)', 'next(loader) or next(loader)')).toMatchObject({ owner: 'data', symbol: 'main@x' });
  expect(say('kernel', 'return x', 'return x, k')).toBeNull();
  expect(say('optimizer', 'return x', 'return x, k')).toMatchObject({ owner: 'kernel', symbol: 'main@turn' });
  expect(say('kernel', '        return x', '        n = 5\n        return x')).toBeNull();
  expect(say('kernel', '    def turn(k):\n', '    def turn(k):\n        nonlocal n\n')).toMatchObject({ rule: 'protected', symbol: 'main' });
});

test('in advisory mode blocks of others may be changed, what is protected may not', () => {
  expect(judge('meta', edit('next_batch(16)', 'next_batch(32)'), { mode: 'advisory' })).toBeNull();
  expect(judge('meta', edit('last = step == 100', 'last = step == 99'), { mode: 'advisory' })).toMatchObject({ rule: 'protected', symbol: 'main' });
});

test('a merged patch may change a block of each of its authors as its parts did, and none of a third', () => {
  const optimizer = edit('"RATE", 0.04', '"RATE", 0.05', edit('scale(step)\n', 'scale(step) * 2\n'));
  const both = edit('next_batch(16)', 'next_batch(32)', optimizer);
  const data = edit('next_batch(16)', 'next_batch(32)');
  const merged = (after: Recipe) => judge('optimizer', after, { authors: ['optimizer', 'data'], parts: [tablesOf(optimizer), tablesOf(data)] });
  expect(merged(both)).toBeNull();
  expect(merged(edit('next_batch(32)', 'next_batch(64)', both))).toMatchObject({ rule: 'ownership', owner: 'data', symbol: 'main@x' });
  expect(merged(edit('range(4)', 'range(2)', both))).toMatchObject({ rule: 'ownership', owner: 'kernel', symbol: 'main@for:micro' });
});
