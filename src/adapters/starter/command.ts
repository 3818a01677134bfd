// A command as a person types it, read without a shell.
//
//   C1. Nothing of it is expanded: what only a shell understands is refused, because the sandbox starts a program and no shell.
//   C2. `python`, and what only finds it (`uv run`, `conda run -n x`), become `{python}`: the evaluator names the interpreter.

/** A command taken apart. */
export interface Wrapped {
  /** Its words; `{python}` for the interpreter, `{seed}` where the seed goes. */
  readonly words: readonly string[];
  /** Variables set in front of it. */
  readonly env: Readonly<Record<string, string>>;
  /** The script or module that Python runs; null when the program is another. */
  readonly start: { readonly kind: 'script' | 'module'; readonly name: string } | null;
  /** The interpreter, where the command names it by a path. */
  readonly interpreter: string | null;
  /** The first word, when it is no Python: a program that must be found. */
  readonly program: string | null;
  /** Long options it is given, as `--lr`. */
  readonly options: readonly string[];
}

export type ReadCommand = { readonly kind: 'read'; readonly command: Wrapped } | { readonly kind: 'refused'; readonly why: string };

const PYTHON = /^(?:.*\/)?python(?:3(?:\.\d+)?)?$/;
/** Launchers of the PyTorch family, as modules that any interpreter with PyTorch has. */
const LAUNCHERS: Readonly<Record<string, readonly string[]>> = { torchrun: ['-m', 'torch.distributed.run'], accelerate: ['-m', 'accelerate.commands.accelerate_cli'] };
/** Options of a launcher or interpreter that take a word of their own. */
const WITH_VALUE = /^(?:-n|-p|-W|-X|--name|--prefix|--with|--extra|--group|--package|--python|--env-file)$/;

/** Reads a command line. */
export function readCommand(text: string): ReadCommand {
  const split = splitWords(text);
  if (typeof split === 'string') return { kind: 'refused', why: split };
  const env: Record<string, string> = {};
  let rest = split;
  for (let set = /^([A-Za-z_]\w*)=(.*)$/s.exec(rest[0] ?? ''); set; set = /^([A-Za-z_]\w*)=(.*)$/s.exec(rest[0] ?? '')) { env[set[1] ?? ''] = set[2] ?? ''; rest = rest.slice(1); }
  const isRunner = (rest[0] === 'uv' || rest[0] === 'poetry' || rest[0] === 'conda' || rest[0] === 'mamba' || rest[0] === 'pdm') && rest[1] === 'run'; // C2
  if (isRunner) {
    rest = rest.slice(2);
    while (rest[0]?.startsWith('-') && rest[0] !== '-m') rest = rest.slice(WITH_VALUE.test(rest[0]) ? 2 : 1);
    if (rest[0]?.endsWith('.py') || rest[0] === '-m') rest = ['python', ...rest];
  }
  const [first, ...others] = rest;
  if (first === undefined) return { kind: 'refused', why: 'it names no program' };
  const launcher = LAUNCHERS[first];
  const isPython = PYTHON.test(first) || launcher !== undefined || first.endsWith('.py');
  const args = launcher ? [...launcher, ...others] : first.endsWith('.py') ? [first, ...others] : others;
  return {
    kind: 'read',
    command: {
      words: isPython ? ['{python}', ...args] : rest, env, start: isPython ? startOf(launcher ? others : args) : null,
      interpreter: PYTHON.test(first) && first.includes('/') ? first : null, program: isPython ? null : first,
      options: rest.flatMap((word) => /^--[A-Za-z][\w-]*/.exec(word) ?? []),
    },
  };
}

function startOf(args: readonly string[]): Wrapped['start'] {
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word === '-m') { const name = args[at + 1]; return name === undefined ? null : { kind: 'module', name }; }
    if (word.endsWith('.py')) return { kind: 'script', name: word.replace(/^\.\//, '') };
    if (!word.startsWith('-')) return null;
    if (WITH_VALUE.test(word)) at += 1;
  }
  return null;
}

/** The words of a line with quotes and backslashes; a sentence when a shell would be needed. */
function splitWords(text: string): readonly string[] | string {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote !== null) {
      if (character === quote) quote = null;
      else if (character === '\\' && quote === '"' && at + 1 < text.length) word = `${word ?? ''}${text[++at] ?? ''}`;
      else word = `${word ?? ''}${character}`;
    } else if (character === '"' || character === "'") { quote = character; word ??= ''; }
    else if (character === '\\' && at + 1 < text.length) word = `${word ?? ''}${text[++at] ?? ''}`;
    else if (/\s/.test(character)) { if (word !== null) words.push(word); word = null; }
    else if ('|&;<>`$()*?'.includes(character)) return `\`${character}\` needs a shell, and there is none in the sandbox: put the line into a script of the repository and give that`; // C1
    else word = `${word ?? ''}${character}`;
  }
  if (quote !== null) return `a ${quote} is never closed`;
  return word === null ? words : [...words, word];
}
