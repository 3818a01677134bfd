import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { openConnection } from '../../src/adapters/nats/session.ts';
import { journalStream } from '../../src/protocols/streams.ts';

// So many readers of one journal, each on a connection and a consumer of its own, as nodes and onlookers have; a process apart, so that their work is not
// the broker's or the nodes'. They read without parsing. Says `ready`, and when its standard input ends how long each result took to reach the last of them.

const [url = '', keyFile = '', run = '', count = '0'] = process.argv.slice(2);
const results = new Map<number, { readonly takenMs: number; lastMs: number; readers: number }>();
const now = (): number => performance.timeOrigin + performance.now();

await Promise.all(Array.from({ length: Number(count) }, async (_, i) => {
  const nc = await openConnection({ url, keyFile, name: `bench subscriber ${i}`, role: 'operator', firstConnectMs: 60_000 });
  const consumer = await jetstream(nc).consumers.get(journalStream(run).name, { deliver_policy: DeliverPolicy.New });
  const messages = await consumer.consume({ max_messages: 2_000, expires: 10_000, idle_heartbeat: 2_000 });
  void (async () => {
    for await (const { subject, seq, info } of messages) {
      if (!subject.startsWith(`brigade.evt.${run}.trial.result.`)) continue;
      const result = results.get(seq) ?? { takenMs: info.timestampNanos / 1e6, lastMs: 0, readers: 0 };
      results.set(seq, { ...result, lastMs: now(), readers: result.readers + 1 });
    }
  })();
}));
process.stdout.write('ready\n');
process.stdin.resume().on('end', () => {
  const whole = [...results.values()].filter(({ readers }) => readers === Number(count)); // of the others some reader came too late or left too soon
  process.stdout.write(`${JSON.stringify(whole.map(({ takenMs, lastMs }) => lastMs - takenMs))}\n`, () => process.exit());
});
