// Text within a number of bytes.

const encoder = new TextEncoder();

/** Bytes of a text as UTF-8. */
export const bytesOf = (text: string): number => encoder.encode(text).length;

/** Text without halves of characters, which no encoder keeps. */
export const wellFormed = (text: string): string => text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');

/** Keeps the beginning and the end of a text, whole lines where it has any, and says between them what is gone and how to see it. */
export function cutMiddle(text: string, mostBytes: number, recovery: string): string {
  if (bytesOf(text) <= mostBytes) return text;
  const told = (lines: number): string => `\n… ${lines} lines are left out here: ${recovery} …\n`;
  const room = Math.max(0, mostBytes - bytesOf(told(1e9)));
  const head = startOf(text, Math.ceil(room * 0.6));
  const tail = endOf(text.slice(head.length), Math.floor(room * 0.4));
  const gone = text.slice(head.length, text.length - tail.length);
  return `${head}${told(Math.max(1, gone.split('\n').length - 1))}${tail}`;
}

/** The longest beginning within so many bytes; ends with a line where that costs less than half. */
function startOf(text: string, most: number): string {
  let kept = text.slice(0, most);
  while (bytesOf(kept) > most) kept = kept.slice(0, Math.max(0, kept.length - Math.ceil((bytesOf(kept) - most) / 3)));
  kept = kept.replace(/[\ud800-\udbff]$/, '');
  const line = kept.lastIndexOf('\n');
  return line > kept.length / 2 ? kept.slice(0, line) : kept;
}

function endOf(text: string, most: number): string {
  let kept = text.slice(Math.max(0, text.length - most));
  while (bytesOf(kept) > most) kept = kept.slice(Math.ceil((bytesOf(kept) - most) / 3));
  kept = kept.replace(/^[\udc00-\udfff]/, '');
  const line = kept.indexOf('\n');
  return line >= 0 && line < kept.length / 2 ? kept.slice(line + 1) : kept;
}
