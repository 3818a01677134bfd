// Streams as data.
//
//   S1. A fact is said once: one message a subject, new ones discarded, nothing deleted or purged.

/** The stream that holds one run's journal, on as many servers as keep a copy of it. */
export const journalStream = (run: string, replicas: 1 | 3 = 1) => ({
  name: `BRIGADE_EVT_${run}`,
  subjects: [`brigade.evt.${run}.>`],
  storage: 'file', retention: 'limits', discard: 'new',
  max_msgs_per_subject: 1, discard_new_per_subject: true, // S1
  deny_delete: true, deny_purge: true, // S1
  max_age: 0, max_msgs: -1, max_bytes: -1, max_msg_size: 1_048_576, num_replicas: replicas, allow_direct: false,
} as const);

/** The bucket that holds one run's snapshots, feedback texts and logs, by content hash. */
export const blobBucket = (run: string): string => `BRIGADE_BLOBS_${run}`;

export const ROLES = ['supervisor', 'broker', 'lineage', 'evaluator', 'specialist', 'operator', 'dashboard'] as const;
/** What a user of the server is for; a process has exactly one user. What each may say is derived from the words (authority.ts). */
export type Role = (typeof ROLES)[number];
