import type { Fact } from '../../domain/fact.ts';

/** A fact as one flat JSON object: everything but patches, signatures and raw measurements, which `trials.jsonl` has. */
export function eventOf(run: string, fact: Fact): Readonly<Record<string, unknown>> {
  const head = { event: fact.word, run, seq: fact.seq, at: new Date(fact.at).toISOString() };
  switch (fact.word) {
    case 'trial.admitted': return { ...head, trial: fact.ids[0], ...proposalOf(fact.body.proposal), snapshot: fact.body.snapshot };
    case 'trial.rejected': return { ...head, trial: fact.ids[0], status: 'rejected', ...proposalOf(fact.body.proposal), rejection: fact.body.rejection };
    case 'trial.result': return { ...head, trial: fact.ids[0], ...fact.body };
    case 'trial.measured': {
      const { score, failure, phases, artifactBytes, seed, device } = fact.body.measurement;
      return { ...head, trial: fact.ids[0], replicate: fact.ids[1], attempt: Number(fact.ids[2]), node: fact.ids[3], score, failure, phases, artifactBytes, seed, device, heldMs: fact.body.heldMs };
    }
    case 'lease.lapsed': return { ...head, trial: fact.ids[0], replicate: fact.ids[1], attempt: Number(fact.ids[2]), reason: fact.body.reason };
    case 'run.calibrated': { const { measurements, ...rest } = fact.body; return { ...head, ...rest, n: measurements.length }; }
    case 'node.enrolled': return { ...head, node: fact.ids[0], boot: fact.ids[1], ...fact.body };
    case 'broker.took': return { ...head, term: Number(fact.ids[0]), ...fact.body };
    case 'run.best': return { ...head, n: Number(fact.ids[0]), ...fact.body };
    case 'handoff.offered': return { ...head, handoff: fact.ids[0], ...fact.body };
    case 'session.opened': case 'session.ended': return { ...head, session: fact.ids[0], ...fact.body };
    case 'call.reserved': case 'call.settled': return { ...head, session: fact.ids[0], call: Number(fact.ids[1]), ...fact.body };
    case 'specialist.stalled': case 'specialist.recovered': return { ...head, specialist: fact.ids[0], n: Number(fact.ids[1]), ...fact.body };
    case 'joint.offered': { const { patch: _patch, ...rest } = fact.body; return { ...head, joint: fact.ids[0], ...rest }; }
    case 'joint.answered': return { ...head, joint: fact.ids[0], ...fact.body };
    case 'run.started': case 'run.claimed': case 'run.stopping': case 'run.stopped': case 'run.resumed': case 'lease.granted': case 'operator.acted': return { ...head, ...fact.body };
    default: return fact satisfies never;
  }
}

const proposalOf = ({ patch: _patch, ...rest }: Extract<Fact, { word: 'trial.admitted' }>['body']['proposal']): Readonly<Record<string, unknown>> => rest;
