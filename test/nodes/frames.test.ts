import { expect, test } from 'vitest';
import { roll } from './dice.ts';
import { framesOf } from './frames.ts';

const SAID = 'INFO {"server_id":"x","connect_urls":["10.0.0.2:4222"]}\r\nPING\r\nPUB brigade.cmd.x _INBOX.1 7\r\na\r\nb\r\nc\r\nMSG a 1 0\r\n\r\nHMSG a 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\nPONG\r\n';

test('frames are the same however the bytes arrive, a body with line ends in it included', () => {
  const whole = framesOf(Buffer.from(SAID)).found.map(({ bytes, isMessage }) => `${isMessage} ${bytes.toString()}`);
  expect(whole).toHaveLength(6);
  expect(whole.filter((each) => each.startsWith('true'))).toEqual(['true PUB brigade.cmd.x _INBOX.1 7\r\na\r\nb\r\nc\r\n', 'true MSG a 1 0\r\n\r\n', 'true HMSG a 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n']);
  for (let at = 1; at < SAID.length; at++) {
    const first = framesOf(Buffer.from(SAID.slice(0, at)));
    const second = framesOf(Buffer.concat([first.rest, Buffer.from(SAID.slice(at))]));
    expect([...first.found, ...second.found].map(({ bytes, isMessage }) => `${isMessage} ${bytes.toString()}`)).toEqual(whole);
    expect(second.rest).toHaveLength(0);
  }
});

test('a client is not told of servers that the relay is not between', () => {
  expect(framesOf(Buffer.from(SAID)).found[0]?.bytes.toString()).toBe('INFO {"server_id":"x"}\r\n');
});

test('a seed decides the order of faults, and another seed another one', () => {
  const names = Array.from({ length: 33 }, (_, n) => n);
  expect(roll(7).shuffle(names)).toEqual(roll(7).shuffle(names));
  expect(roll(8).shuffle(names)).not.toEqual(roll(7).shuffle(names));
  expect([...roll(7).shuffle(names)].sort((a, b) => a - b)).toEqual(names);
});
