import { oneLine } from './figures.ts';

/** Words that stand where a thought should. */
const EMPTY = /^\W*(?:(?:a|an|the|my|this|is|just|only|simple|quick|dummy|example|sample|some|new)\W+)*(?:test(?:ing|s)?|todo|tbd|n\W?a|none|null|undefined|nothing|hypothesis|placeholder|foo|bar|baz|asdf\w*|lorem ipsum|example|change|changes|edit|submit|try|try it|untitled|string|text|hello|hello world)(?:\W+(?:hypothesis|test|run|change|edit|trial|proposal|submission|please|now|it|\d+))*\W*$/i;
const MARKUP = /<\/?[a-z_|][^>\n]*>|<\||\|>|\[\/?INST\]|```|"(?:tool|tool_calls?|arguments|function|name)"\s*:/i;

/** What is wrong with a hypothesis, in words for its author; null when it can stand on a trial. */
export function faultOfHypothesis(hypothesis: string): string | null {
  const said = oneLine(hypothesis);
  if (said.length < 8 || !/\p{L}{2}/u.test(said)) return 'a hypothesis says in a sentence what changes and why that should pay';
  if (said.length > 600) return `the hypothesis has ${said.length} characters, and at most 600 are kept: say it shorter`;
  if (MARKUP.test(said)) return 'the hypothesis holds markup of a tool or a chat: write plain words';
  if (EMPTY.test(said) || !/\s/.test(said)) return `${JSON.stringify(said.slice(0, 40))} is no hypothesis: say in a sentence what changes and why that should pay`;
  return null;
}
