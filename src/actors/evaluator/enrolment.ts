import type { NodeEnrolled } from '../../domain/fact.ts';
import type { SlotId } from '../../domain/ids.ts';
import type { PassedCanary, Ports } from '../../ports.ts';
import type { EvaluatorNeeds, EvaluatorOptions } from './index.ts';
import { tame } from './traceback.ts';

// What a node says of itself: once when its canaries have passed, and again whenever it goes on with fewer slots.

const AGAIN_MS = 2_000;

/** Answers the position of the enrolment in the journal. */
export async function enrol({ journal }: Ports, { sandbox, workbench, signer }: EvaluatorNeeds, { node, spec, slots, boot = crypto.randomUUID() }: EvaluatorOptions, canaries: readonly PassedCanary[], lost: ReadonlyMap<SlotId, string> = new Map()): Promise<number> {
  const body: NodeEnrolled = {
    publicKey: signer.publicKey, slots: slots.map(({ cores: _, locks: _alone, shared: _shared, ...said }) => said), device: workbench.device,
    evaluatorHash: spec.hash, environmentHash: workbench.environmentHash, sandbox: sandbox.level, canaries,
    ...(lost.size === 0 ? {} : { drained: [...lost].map(([slot, reason]) => ({ slot, why: tame(reason, 400) })) }),
  };
  const said = await journal.record('node.enrolled', [node, boot], body);
  if (said.kind === 'recorded') return said.seq;
  if (lost.size > 0) return journal.position(); // it was said, and the answer was lost
  throw new Error(`${node} has enrolled as ${boot} before: every start needs a name of its own`);
}

/** Says which slots are left, however long that takes; the journal may be away. */
export async function enrolAgain(ports: Ports, needs: EvaluatorNeeds, options: EvaluatorOptions, canaries: readonly PassedCanary[], lost: ReadonlyMap<SlotId, string>, signal: AbortSignal): Promise<void> {
  const boot = `${options.boot ?? crypto.randomUUID()}-${lost.size}`;
  for (;;) {
    try {
      await enrol(ports, needs, { ...options, boot }, canaries, lost);
      return;
    } catch (error) {
      ports.presence.log('warn', 'a drained slot could not be said yet', { error: String(error) });
      await ports.clock.wait(AGAIN_MS, signal);
    }
  }
}
