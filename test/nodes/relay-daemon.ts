import { createInterface } from 'node:readline';
import { openRelay, type Told } from './relay.ts';

// The relay as a process: relay-daemon.js PORT PLACE…
//
// It is told on standard input, a JSON object a line: {"id": "a", "delayMs": 300, "twice": 0.3, "quiet": true, "seed": 7}. It answers every line with what it has
// done so far, under the line's id; a line of an id alone is only a question.

const [port = '', ...places] = process.argv.slice(2);
const say = (what: object): void => { process.stdout.write(`${JSON.stringify(what)}\n`); };
const relay = openRelay(Number(port), places, () => say({ relay: 'listens' }));

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, ...what } = JSON.parse(line) as Told & { id?: string };
  if (Object.keys(what).length > 0) relay.tell(what);
  say({ ...relay.counts(), ...(id === undefined ? {} : { id }) });
}).on('close', () => process.exit());
setInterval(() => say(relay.counts()), 5_000).unref();
