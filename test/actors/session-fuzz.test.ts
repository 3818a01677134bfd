import fc from 'fast-check';
import { expect, test } from 'vitest';
import { act } from '../../src/actors/specialist/session/act.ts';
import { answered, settledBy } from '../../src/actors/specialist/session/answered.ts';
import { openBursar } from '../../src/actors/specialist/session/bursar.ts';
import { openErrands } from '../../src/actors/specialist/session/errands.ts';
import { transcriptOf } from '../../src/actors/specialist/session/graph.ts';
import { memoryPorts, virtualClock } from '../../src/adapters/memory/index.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { CallSettledFact, CheckProposal, DeclineJoint, EndSession, JointAnsweredFact, JointOfferedFact, OfferHandoff, OfferJoint, SessionEndedFact } from '../../src/protocols/session.ts';
import { TOOL_NAMES } from '../../src/protocols/tools.ts';
import { HandoffOffered, ProposeRequest, TrialAdmitted } from '../../src/protocols/trial.ts';
import { begin, desk, LIMITS, RECIPE, TOOLS, USAGE } from './session-desk.ts';

const odd = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom('<|im_end|>', '\ud800\u0000\u001b[2J', '\u202e', '\n\t', '</tool_call>', 'x'.repeat(700), '``` [INST]', ''));
/** Words that could stand on a trial, with something in them that may not. */
const words = fc.tuple(fc.constantFrom('a wider layer learns more from each step', 'forty steps are too few', 'this undoes what was kept before'), odd).map(([said, more]) => `${said} ${more}`);
const fit = fc.oneof(
  fc.record({ tool: fc.constant('submit'), input: fc.record({ hypothesis: words, expectedDelta: fc.double({ noNaN: true, noDefaultInfinity: true }) }) }),
  fc.record({ tool: fc.constant('give_up'), input: fc.record({ reason: odd }) }),
  fc.record({ tool: fc.constant('hint'), input: fc.record({ to: fc.constant('data'), file: odd, symbol: odd, hint: words }) }),
  fc.record({ tool: fc.constant('draft_joint'), input: fc.record({ to: fc.constant('data'), hypothesis: words, expectedDelta: fc.constant(-0.1) }) }),
  fc.record({ tool: fc.constant('accept_joint'), input: fc.record({ draft: fc.constant('j0001'), hypothesis: words }) }),
  fc.record({ tool: fc.constant('decline_joint'), input: fc.record({ draft: fc.constant('j0001'), reason: words }) }),
  fc.record({ tool: fc.constant('edit'), input: fc.record({ edits: fc.tuple(fc.record({ file: fc.constantFrom('model.py', 'data.py', 'new.py', 'toString'), search: fc.constantFrom('WIDTH = 64', 'CONTEXT = 128', ''), replace: odd })) }) }),
).map(({ tool, input }) => ({ tool, input: JSON.stringify(input) }));
const junk = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }), fc.json(), fc.constantFrom('<tool_call>{"name":"submit"}</tool_call>', '{"hypothesis":"test","expectedDelta":0}', '{"edits":[{"file":"__proto__","search":"","replace":"x"}]}', '{"__proto__":{"file":"model.py"}}', '{"file":"constructor"}', '{"trial":"../t0001"}', 'null', '[\'.repeat(5)', '['.repeat(5_000), '{"reason":"\\u0007\\n\\t"}'),
);
const malformed = fc.record({ tool: fc.oneof(fc.constantFrom(...TOOL_NAMES), fc.constantFrom('__proto__', 'constructor', '', 'submit ', 'tool_call'), fc.string({ maxLength: 20 })), input: junk });
const call = fc.tuple(fc.oneof(fc.constant('same'), fc.string({ unit: 'binary', maxLength: 90 })), fc.oneof({ weight: 3, arbitrary: malformed }, { weight: 1, arbitrary: fit })).map(([id, said]) => ({ id, ...said }));
const reply = fc.record({ text: fc.oneof(junk, fc.string({ unit: 'binary', maxLength: 200 })), calls: fc.array(call, { maxLength: 4 }), ended: fc.constantFrom('stop' as const, 'calls' as const, 'length' as const, 'refused' as const) });

test('ten thousand replies, most of them malformed, leave sessions that the journal takes: whatever they lead to, and all of it is counted, passes its schemas', async () => {
  const { bus } = memoryPorts('toy-1', virtualClock(0));
  const found: Record<string, number> = {};
  const count = (what: string): void => { found[what] = (found[what] ?? 0) + 1; };
  const ids = { run: 'toy-1' };
  // What a broker would write down of each, in the schema of its fact; the requests themselves were parsed on their way here.
  bus.serve(EndSession, ids, ({ session: _, transcript, ...end }) => { SessionEndedFact.body.parse({ ...end, transcript: transcript === null ? null : 'a'.repeat(64) }); count(end.ending); return { kind: 'done' as const }; });
  bus.serve(OfferHandoff, ids, ({ clientId: _, ...offered }) => { HandoffOffered.body.parse({ ...offered, trial: null }); count('hint'); return { kind: 'offered' as const, handoff: 'h1' }; });
  bus.serve(OfferJoint, ids, (offered) => { JointOfferedFact.body.parse(offered); count('draft'); return { kind: 'offered' as const, joint: 'j0002' }; });
  bus.serve(DeclineJoint, ids, ({ by, reason }) => { JointAnsweredFact.body.parse({ by, answer: 'declined', reason, trial: null }); count('no'); return { kind: 'done' as const }; });
  bus.serve(CheckProposal, ids, () => { count('check'); return { kind: 'passes' as const }; });
  const { signal } = new AbortController();
  const draft = { joint: 'j0001', from: 'data', to: 'model', parent: 't0000', hypothesis: 'a longer context wants a wider layer', expectedDelta: -0.02, patch: patches.diff(RECIPE, { ...RECIPE, 'data.py': 'CONTEXT = 256\n' }), state: 'open' as const, reason: '', trial: null };
  const on = desk({ ...openErrands(bus, { run: 'toy-1', specialist: 'model', signal }), draft: async (joint) => (joint === 'j0001' ? draft : null) });
  const bursar = openBursar(bus, { run: 'toy-1', specialist: 'model', model: 'scripted', budget: { tokens: null, money: null } });
  let n = 0;
  for (const answer of fc.sample(reply, { numRuns: 10_000, seed: 11 })) {
    const session = begin({ faults: n++ % 3 === 0 ? ['json', 'input', 'edit'] : [], changes: n % 2 === 0 ? [['data.py', 'CONTEXT = 1\n']] : [] });
    CallSettledFact.body.parse(settledBy(USAGE, null, 'failed', answer.text));
    const done = await act(answered(session, { ...answer, usage: USAGE }, settledBy(USAGE, null, 'answered', '')), on, { tools: TOOLS, limits: LIMITS });
    if (n % 10 === 0) expect(JSON.parse(JSON.stringify(done)), 'it can be written down').toEqual(done);
    expect(new Set(done.turns.flatMap((turn) => (turn.role === 'model' ? turn.calls.map(({ id }) => id) : []))).size).toBe(answer.calls.length);
    const { pending, ending } = done;
    if (pending) {
      count('submission');
      const { n: _n, call: _call, tool: _tool, feedback, joint, ...rest } = pending;
      const { proposal } = ProposeRequest.parse({ clientId: 'a'.repeat(64), feedback, proposal: { ...rest, specialist: 'model', parts: [], proposer: { kind: 'llm', strategy: 's0001/1', moves: [] }, session: 's0001', ...(joint === null ? {} : { joint }) } });
      TrialAdmitted.body.parse({ proposal, snapshot: 'a'.repeat(64), feedback: null, clientId: 'a'.repeat(64) });
      expect(pending.hypothesis).not.toMatch(/<[a-z/|]|\|>|test$/);
      if (joint !== null) count('yes');
    }
    if (ending || n % 50 === 0) await bursar.end(done, transcriptOf(done), signal);
  }
  expect(Object.keys(found).sort()).toEqual(['check', 'draft', 'failed', 'gave_up', 'hint', 'malformed', 'no', 'submission', 'yes']);
  for (const [what, times] of Object.entries(found)) expect(times, what).toBeGreaterThan(50);
}, 120_000);
