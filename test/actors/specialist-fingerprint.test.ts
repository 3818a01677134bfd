import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/actors/specialist/fingerprint.ts';

test('a fingerprint is the one that Node\'s own SHA-256 gives, at every length around a block and beyond ASCII', () => {
  const texts = [...Array.from({ length: 200 }, (_, n) => 'x'.repeat(n)), 'é€😀'.repeat(33), 'a'.repeat(100_000)];
  for (const text of texts) expect(sha256(text)).toBe(createHash('sha256').update(text).digest('hex'));
});
