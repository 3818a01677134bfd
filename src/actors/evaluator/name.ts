import type { NodeId } from '../../domain/ids.ts';
import { NoAnswer, type Ports } from '../../ports.ts';
import { NamedActorState } from '../../protocols/actor.ts';

/** Another evaluator of the run answers to the name already. */
export class NameTaken extends Error {
  readonly node: NodeId;
  constructor(node: NodeId, message: string) {
    super(message);
    this.name = 'NameTaken';
    this.node = node;
  }
}

/** Nobody there is told at once; whoever is there and has much to do must not be taken for nobody. */
const ASK_NAME_MS = 10_000;

/** Throws when somebody answers for this name: whoever asks has not announced itself yet. */
export async function requireFreeName({ bus, journal: { run } }: Ports, node: NodeId): Promise<void> {
  const other = await bus.ask(NamedActorState, { actor: 'evaluator', run, name: node }, {}, { timeoutMs: ASK_NAME_MS })
    .catch((error: unknown) => { if (error instanceof NoAnswer) return null; throw error; });
  if (other !== null) throw new NameTaken(node, `${run} has a node ${node} already (its process ${other.pid} answers): start this one with another --node, or end that one first`);
}
