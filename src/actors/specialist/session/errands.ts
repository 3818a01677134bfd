import type { Bus } from '../../../ports.ts';
import { ReadDraft } from '../../../protocols/lineage.ts';
import { CheckProposal, DeclineJoint, OfferHandoff, OfferJoint } from '../../../protocols/session.ts';
import type { Desk } from './use.ts';

const ASK_MS = 15_000;
/** Python's own compiler looks at every changed file. */
const CHECK_MS = 60_000;

/** What the tools of a session ask of the broker and the keeper. */
export function openErrands(bus: Bus, { run, specialist, signal }: { readonly run: string; readonly specialist: string; readonly signal: AbortSignal }): Pick<Desk, 'draft' | 'check' | 'hint' | 'offer' | 'decline'> {
  const within = { timeoutMs: ASK_MS, signal };
  return {
    draft: async (joint) => (await bus.ask(ReadDraft, { run }, { joint, by: specialist }, within)).draft,
    check: (asked) => bus.ask(CheckProposal, { run }, asked, { timeoutMs: CHECK_MS, signal }),
    async hint(asked) {
      const answer = await bus.ask(OfferHandoff, { run }, { ...asked, from: specialist }, within);
      return answer.kind === 'offered' ? `${asked.to} reads it in their next session.` : `It was not passed on: ${answer.reason}`;
    },
    async offer(asked) {
      const answer = await bus.ask(OfferJoint, { run }, { ...asked, from: specialist }, { timeoutMs: CHECK_MS, signal });
      switch (answer.kind) {
        case 'offered': return `Offered as ${answer.joint}: ${asked.to} accepts, amends or declines it in their next session. The recipe in work still holds both parts: rebase to go on with something of your own, or give_up.`;
        case 'rejected': return `It would be rejected, so it was not offered: ${answer.rejection.message}`;
        case 'refused': case 'closed': return `It was not offered: ${answer.reason}`;
        default: return answer satisfies never;
      }
    },
    async decline(asked) {
      const answer = await bus.ask(DeclineJoint, { run }, { ...asked, by: specialist }, within);
      return answer.kind === 'done' ? `${asked.joint} is declined.` : `It was not declined: ${answer.reason}`;
    },
  };
}
