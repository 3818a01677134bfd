// NATS on the wire: lines, some of which say how many bytes follow.

/** One line of the protocol, with its bytes where it is a message. */
export interface Frame { readonly bytes: Buffer; readonly isMessage: boolean }

const WITH_BODY = new Set(['PUB', 'HPUB', 'MSG', 'HMSG']);
const END = Buffer.from('\r\n');

/** Whole frames at the beginning of what came, and what is left. A client that comes by a relay stays with it: what a server says of its neighbours' addresses is left out. */
export function framesOf(bytes: Buffer): { readonly found: readonly Frame[]; readonly rest: Buffer } {
  const found: Frame[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf(END, at);
    if (end < 0) break;
    const line = bytes.toString('latin1', at, end);
    const isMessage = WITH_BODY.has(line.split(' ', 1)[0]?.toUpperCase() ?? '');
    const to = end + 2 + (isMessage ? Number(line.slice(line.lastIndexOf(' ') + 1)) + 2 : 0);
    if (to > bytes.length) break;
    found.push({ bytes: line.startsWith('INFO ') ? alone(line) : bytes.subarray(at, to), isMessage });
    at = to;
  }
  return { found, rest: bytes.subarray(at) };
}

function alone(line: string): Buffer {
  const { connect_urls: _, ...info } = JSON.parse(line.slice(5)) as Record<string, unknown>;
  return Buffer.from(`INFO ${JSON.stringify(info)}\r\n`, 'latin1');
}
