import type { RunnableConfig } from '@langchain/core/runnables';
import { BaseCheckpointSaver, copyCheckpoint, type Checkpoint, type CheckpointMetadata, type CheckpointTuple } from '@langchain/langgraph';
import type { RootDatabase } from 'lmdb';
import { read, write } from './record.ts';

// LangGraph's checkpoints in LMDB.
//
//   C1. Of a thread only the newest checkpoint is kept, with what was written on it: that is all a process needs to go on.
//   C2. A checkpoint replaces the one before it in one transaction.
//   C3. A write that is there already stays as it is; an error or an interrupt replaces its like.

type ListOptions = NonNullable<Parameters<BaseCheckpointSaver['list']>[1]>;
type PendingWrites = Parameters<BaseCheckpointSaver['putWrites']>[1];
type Typed = readonly [type: string, text: string];
interface Kept { readonly id: string; readonly parent: string | null; readonly checkpoint: Typed; readonly metadata: Typed }
interface Written { readonly task: string; readonly channel: string; readonly value: Typed }

const PART = /^[\w.:-]{1,128}$/;
/** Channels of which a task has one write at a time, the newest. */
const SPECIAL = new Set(['__error__', '__scheduled__', '__interrupt__', '__resume__']);
const END = '\uffff';

/** A saver that also names its threads. */
export type LmdbSaver = BaseCheckpointSaver & { threads(): readonly string[] };

/** A saver over an open file. */
export const lmdbSaver = (root: RootDatabase<string, string>): LmdbSaver => new Saver(root);

class Saver extends BaseCheckpointSaver {
  readonly #root: RootDatabase<string, string>;
  constructor(root: RootDatabase<string, string>) { super(); this.#root = root; }

  threads(): readonly string[] {
    return [...new Set([...this.#root.getKeys({ start: 'c/', end: `c/${END}` })].map((key) => String(key).split('/')[1] ?? ''))];
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const { thread, space, id } = placeOf(config);
    const kept = this.#kept(thread, space);
    return kept === null || (id !== null && id !== kept.id) ? undefined : this.#tuple(thread, space, kept);
  }

  override async *list(config: RunnableConfig, { limit, before, filter }: ListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const asked: Readonly<Record<string, unknown>> = config.configurable ?? {};
    let left = limit ?? Infinity;
    for (const key of [...this.#root.getKeys({ start: 'c/', end: `c/${END}` })].map(String)) {
      const [, thread = '', space = ''] = key.split('/');
      if ((asked['thread_id'] !== undefined && asked['thread_id'] !== thread) || (asked['checkpoint_ns'] !== undefined && asked['checkpoint_ns'] !== space)) continue;
      const kept = this.#kept(thread, space);
      const earlierThan: unknown = before?.configurable?.['checkpoint_id'];
      if (kept === null || (asked['checkpoint_id'] !== undefined && asked['checkpoint_id'] !== kept.id) || (typeof earlierThan === 'string' && kept.id >= earlierThan)) continue;
      const tuple = await this.#tuple(thread, space, kept);
      const told: Readonly<Record<string, unknown>> = { ...tuple.metadata };
      if (filter && !Object.entries(filter as Record<string, unknown>).every(([name, value]) => told[name] === value)) continue;
      if (left-- <= 0) return;
      yield tuple;
    }
  }

  override async put(config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata): Promise<RunnableConfig> {
    const { thread, space, id } = placeOf(config);
    const kept: Kept = { id: part(checkpoint.id), parent: id, checkpoint: await this.#dump(copyCheckpoint(checkpoint)), metadata: await this.#dump(metadata) };
    this.#root.transactionSync(() => { // C2
      const before = this.#kept(thread, space);
      if (before !== null && before.id !== kept.id) for (const key of this.#writes(thread, space, before.id)) this.#root.removeSync(key); // C1
      this.#root.putSync(`c/${thread}/${space}`, write(kept));
    });
    return { configurable: { thread_id: thread, checkpoint_ns: space, checkpoint_id: kept.id } };
  }

  override async putWrites(config: RunnableConfig, writes: PendingWrites, task: string): Promise<void> {
    const { thread, space, id } = placeOf(config);
    if (id === null) throw new Error('a write belongs to a checkpoint, and none is named');
    const rows = await Promise.all(writes.map(async ([channel, value], i) => {
      const isSpecial = SPECIAL.has(channel);
      return { key: `w/${thread}/${space}/${part(id)}/${part(task)}/${isSpecial ? channel : String(i).padStart(6, '0')}`, isSpecial, row: { task, channel, value: await this.#dump(value) } satisfies Written };
    }));
    this.#root.transactionSync(() => {
      for (const { key, isSpecial, row } of rows) if (isSpecial || !this.#root.doesExist(key)) this.#root.putSync(key, write(row)); // C3
    });
  }

  override async deleteThread(thread: string): Promise<void> {
    this.#root.transactionSync(() => {
      for (const kind of ['c', 'w']) for (const key of [...this.#root.getKeys({ start: `${kind}/${part(thread)}/`, end: `${kind}/${thread}/${END}` })].map(String)) this.#root.removeSync(key);
    });
  }

  #kept(thread: string, space: string): Kept | null {
    const stored = this.#root.get(`c/${thread}/${space}`);
    return stored === undefined ? null : read(stored) as Kept;
  }

  #writes(thread: string, space: string, id: string): string[] {
    return [...this.#root.getKeys({ start: `w/${thread}/${space}/${id}/`, end: `w/${thread}/${space}/${id}/${END}` })].map(String);
  }

  async #tuple(thread: string, space: string, { id, parent, checkpoint, metadata }: Kept): Promise<CheckpointTuple> {
    const rows = this.#writes(thread, space, id).map((key) => read(this.#root.get(key) ?? '') as Written);
    const place = (checkpointId: string): RunnableConfig => ({ configurable: { thread_id: thread, checkpoint_ns: space, checkpoint_id: checkpointId } });
    return {
      config: place(id), checkpoint: await this.#load(checkpoint) as Checkpoint, metadata: await this.#load(metadata) as CheckpointMetadata,
      pendingWrites: await Promise.all(rows.map(async ({ task, channel, value }): Promise<[string, string, unknown]> => [task, channel, await this.#load(value)])),
      ...(parent === null ? {} : { parentConfig: place(parent) }),
    };
  }

  async #dump(value: unknown): Promise<Typed> {
    const [type, bytes] = await this.serde.dumpsTyped(value);
    return [type, Buffer.from(bytes).toString('base64')];
  }

  #load([type, text]: Typed): Promise<unknown> { return this.serde.loadsTyped(type, new Uint8Array(Buffer.from(text, 'base64'))); }
}

function placeOf({ configurable }: RunnableConfig): { readonly thread: string; readonly space: string; readonly id: string | null } {
  const asked: Readonly<Record<string, unknown>> = configurable ?? {};
  const { thread_id: thread, checkpoint_ns: space = '', checkpoint_id: id } = asked;
  if (typeof thread !== 'string') throw new Error('a checkpoint belongs to a thread, and none is named');
  return { thread: part(thread), space: space === '' ? '' : part(String(space)), id: id === undefined ? null : part(String(id)) };
}

/** One part of a key. */
function part(text: string): string {
  if (!PART.test(text)) throw new Error(`${JSON.stringify(text.slice(0, 80))} cannot be part of the key of a checkpoint`);
  return text;
}
