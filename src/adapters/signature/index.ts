import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { Verify } from '../../domain/lineage.ts';
import type { Signer } from '../../ports.ts';

// Ed25519 over canonical JSON: equal content has one text, whatever order its fields were written in.

/** JSON with the keys of every object sorted, which is what is signed. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([key, held]) => `${JSON.stringify(key)}:${canonicalJson(held)}`).join(',')}}`;
}

/** A fresh key that never leaves this process: a node makes one at every start of its daemon. */
export function createSigner(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'jwk' }).x ?? '';
  return {
    publicKey: Buffer.from(raw, 'base64url').toString('base64'),
    sign: (signed) => sign(null, Buffer.from(canonicalJson(signed)), privateKey).toString('base64'),
  };
}

/** Whether a node with this public key signed this measurement of this lease; false for anything malformed. */
export const verifySignature: Verify = (publicKey, signed, signature) => {
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'base64').toString('base64url') }, format: 'jwk' });
    return verify(null, Buffer.from(canonicalJson(signed)), key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
};
