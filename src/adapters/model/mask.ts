// Endpoints repeat what they were sent: a refusal may hold the key, or a piece of it.

/** Shorter than this a key is a word such as `none`, which hides nothing. */
const LEAST_KEY = 8;
const HIDDEN = '***';

/** A text without the key: every stretch of eight characters or more that the key has too is hidden, and so is whatever else looks like one. */
export function mask(text: string, key: string | null): string {
  return hide(text, key).replaceAll(/\b(Bearer\s+|(?:sk|pk|gsk|hf|xai|nvapi)[-_])[\w.~+/=-]{6,}/gi, (_, kind: string) => `${kind}${HIDDEN}`);
}

/** A text without the whole key, and otherwise as it is: what a model says is not to be altered. */
export const maskWhole = (text: string, key: string | null): string => (key === null || key.length < LEAST_KEY ? text : text.replaceAll(key, HIDDEN));

function hide(text: string, key: string | null): string {
  if (key === null || key.length < LEAST_KEY) return text;
  let hidden = '';
  for (let i = 0; i < text.length;) {
    let length = 0;
    if (key.includes(text.slice(i, i + LEAST_KEY)) && i + LEAST_KEY <= text.length) {
      length = LEAST_KEY;
      while (i + length < text.length && key.includes(text.slice(i, i + length + 1))) length += 1;
    }
    hidden += length > 0 ? HIDDEN : text[i] ?? '';
    i += Math.max(1, length);
  }
  return hidden;
}
