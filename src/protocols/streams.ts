// Streams and permissions as data; an adapter turns them into server configuration.
//
//   S1. A fact is said once: one message a subject, new ones discarded, nothing deleted or purged.
//   S2. A role may publish what it says and nothing else.

/** The stream that holds one run's journal. */
export const journalStream = (run: string) => ({
  name: `BRIGADE_EVT_${run}`,
  subjects: [`brigade.evt.${run}.>`],
  storage: 'file', retention: 'limits', discard: 'new',
  max_msgs_per_subject: 1, discard_new_per_subject: true, // S1
  deny_delete: true, deny_purge: true, // S1
  max_age: 0, max_msgs: -1, max_bytes: -1, max_msg_size: 1_048_576, num_replicas: 1, allow_direct: false,
} as const);

/** The bucket that holds one run's snapshots, feedback texts and logs, by content hash. */
export const blobBucket = (run: string): string => `BRIGADE_BLOBS_${run}`;

export const ROLES = ['supervisor', 'broker', 'lineage', 'evaluator', 'specialist', 'operator'] as const;
/** One user of the server; a process has exactly one. */
export type Role = (typeof ROLES)[number];

interface Permissions { readonly publish: readonly string[]; readonly subscribe: readonly string[] }

const INBOX = '_INBOX.>';
/** What following a journal and reading blobs takes. */
const READ_JOURNAL = ['$JS.API.INFO', '$JS.API.STREAM.INFO.>', '$JS.API.STREAM.NAMES', '$JS.API.CONSUMER.>', '$JS.API.STREAM.MSG.GET.>', '$JS.API.DIRECT.GET.>', '$JS.ACK.>', '$JS.FC.>'];
const WRITE_BLOBS = ['$O.>'];
const ACTOR = ['brigade.tel.>', '$SRV.>', INBOX];
const SERVE = ['$SRV.>', INBOX];

/** Allow-lists by role. Specialists reach neither the journal nor the blobs: they ask. */
export const PERMISSIONS: Readonly<Record<Role, Permissions>> = {
  supervisor: { publish: ['>'], subscribe: ['>'] },
  broker: { publish: ['brigade.evt.>', 'brigade.cmd.>', ...READ_JOURNAL, ...WRITE_BLOBS, ...ACTOR], subscribe: ['brigade.cmd.broker.>', 'brigade.cmd.run.>', 'brigade.tel.*.pulse.>', ...SERVE] },
  lineage: { publish: ['brigade.cmd.lineage.state.>', ...READ_JOURNAL, ...ACTOR], subscribe: ['brigade.cmd.lineage.>', ...SERVE] },
  evaluator: {
    publish: ['brigade.evt.*.trial.measured.>', 'brigade.evt.*.node.enrolled.>', 'brigade.cmd.broker.renew.*', 'brigade.cmd.evaluator.state.>', ...READ_JOURNAL, ...WRITE_BLOBS, ...ACTOR],
    subscribe: ['brigade.cmd.evaluator.>', ...SERVE],
  },
  specialist: {
    publish: [...['propose', 'open-session', 'reserve-call', 'settle-call', 'end-session', 'stall', 'check', 'hint', 'offer-joint', 'decline-joint'].map((verb) => `brigade.cmd.broker.${verb}.*`), 'brigade.cmd.lineage.>', 'brigade.cmd.specialist.state.>', ...ACTOR],
    subscribe: ['brigade.cmd.specialist.>', ...SERVE],
  },
  operator: { publish: ['brigade.cmd.>', ...READ_JOURNAL, ...ACTOR], subscribe: ['brigade.>', '$SRV.>', INBOX, '$JS.EVENT.>'] },
};
