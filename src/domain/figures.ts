// Numbers as people read them: a real minus, thousands apart, no digit that the measurement does not carry.

const MINUS = '−';

/** A number with a fixed count of decimals and a real minus; what is not a number is unknown. */
export const decimal = (value: number, digits = 4): string => (Number.isNaN(value) ? 'unknown' : (value < 0 && Number(value.toFixed(digits)) !== 0 ? MINUS : '') + Math.abs(value).toFixed(digits));

/** Enough digits to see a near miss, eight where there are so many: 0.95956, 8000, 12345.679; beyond a thousand million nobody misses nearly, so 1.24e15. */
export function exact(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${value < 0 ? MINUS : ''}${size.toExponential(2).replace('e+', 'e')}`;
  return decimal(value, Number.isInteger(value) ? 0 : size < 1000 ? 5 : Math.max(0, 7 - Math.floor(Math.log10(size))));
}

/** A change: always with its sign, zero without one. */
export const signed = (value: number, digits = 4): string => (Number(value.toFixed(digits)) > 0 ? '+' : '') + decimal(value, digits);

/** A count with its thousands apart: 77,698. */
export const counted = (value: number): string => Math.round(value).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');

/** A p as `0.03` or, once small, `4e-5`. */
export const probability = (p: number): string => (p >= 0.00995 ? p.toFixed(2) : p < 1e-16 ? '< 1e-16' : p.toExponential(0));

/** A span of time with two units at most: 0.4 s, 10.6 s, 41 s, 2m 41s, 3h 05m. */
export function duration(seconds: number): string {
  if (seconds < 19.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (n: number): string => String(n).padStart(2, '0');
  return whole < 3600 ? `${Math.floor(whole / 60)}m ${pad(whole % 60)}s` : `${Math.floor(whole / 3600)}h ${pad(Math.floor((whole % 3600) / 60))}m`;
}

/** A share as a percentage, signed when it is a change. */
export const percent = (share: number, digits = 0): string => `${(share * 100).toFixed(digits)}%`;

/** A relative change as a signed percentage with one decimal. */
export const change = (to: number, from: number): string => `${signed(((to - from) / Math.abs(from)) * 100, 1)}%`;

/** `1 trial`, `2 trials`. */
export const plural = (n: number, noun: string): string => `${counted(n)} ${noun}${n === 1 ? '' : 's'}`;

/** Text on one line: tabs, line breaks and other control characters become single spaces. */
export const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
