import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const CACHES = ['CUDA_CACHE_PATH', 'TRITON_CACHE_DIR', 'TORCHINDUCTOR_CACHE_DIR'];

test.each(['airbench96', 'nanochat-d12', 'parameter-golf'])('what compilers make for a script of %s lies where the sandbox of its phase says, and nowhere that the harness chose', (name) => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'evaluators', name, 'harness.py'), 'utf8');
  const [, inherited = ''] = /^INHERITED = \((.*?)^\S/ms.exec(text) ?? [];
  expect(CACHES.filter((variable) => !inherited.includes(`'${variable}'`))).toEqual([]);
  expect(CACHES.filter((variable) => text.split(variable).length > 2)).toEqual([]);
});
