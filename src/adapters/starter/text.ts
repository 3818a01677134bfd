import type { Files } from './folder.ts';
import type { ProposedPartition } from './partition.ts';
import type { Role } from './signs.ts';

// What is written for a wrapped command: a surface, an evaluator, briefs. Pure: a plan in, texts out.

/** Everything that decides what is written. */
export interface Plan {
  readonly name: string;
  /** As it was typed. */
  readonly commandLine: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly commit: string;
  readonly metric: { readonly name: string; readonly pattern: string; readonly direction: 'minimize' | 'maximize'; readonly range: readonly [number, number]; readonly take: 'last' | 'best' | 'first' };
  readonly budgetSeconds: number;
  readonly artifact: { readonly path: string; readonly capBytes: number | null } | null;
  readonly memoryBytes: number;
  readonly python: string;
  /** Places by mount name, and where the command looks for each inside its folder; null for one it is told of by `{mount:name}`. */
  readonly mounts: readonly { readonly name: string; readonly path: string; readonly link: string | null }[];
  readonly recipe: Files;
  readonly partition: ProposedPartition;
  readonly replicates: number;
  /** The script that is replaced in canaries; null when the command names none. */
  readonly script: string | null;
}

/** The programs every wrapped command shares, by file name. */
export interface Programs { readonly harness: string; readonly reading: string; readonly scorer: string }

const quoted = (text: string): string => (text.includes('"') && !/['\n]/.test(text) ? `'${text}'` : JSON.stringify(text));
/** A run's first seconds show whether it starts at all; more would be paid for every new recipe. */
const SMOKE_SHARE = 0.2;
const MOST_SMOKE_SECONDS = 10;
/** What reading a log of a few megabytes may take. */
const EVAL_SECONDS = 60;
/** A canary of ours ends as soon as Python has started, which may take a crowded machine, or a network file system, seconds. */
const CANARY_SECONDS = 60;

export const smokeSeconds = (budget: number): number => Math.max(1, Math.min(MOST_SMOKE_SECONDS, Math.round(budget * SMOKE_SHARE)));

/** The surface's folder. */
export function surfaceFiles(plan: Plan): Files {
  const { name, partition, metric } = plan;
  const claims = (owner: string): string[] => partition.claims.filter((claim) => claim.owner === owner).map(({ file, symbol, reason }) => `    - ${quoted(symbol === null ? file : `${file}#${symbol}`)}${' '.repeat(2)}# ${reason}`);
  const minutes = Math.max(20, Math.ceil(plan.budgetSeconds * 60 / 60)); // 32 trials, with their confirmations, on two slots
  return {
    'surface.yaml': [
      `title: ${quoted(`${metric.direction === 'minimize' ? 'the smallest' : 'the largest'} ${metric.name} of ${plan.commandLine}`.slice(0, 400))}`,
      `evaluator: ${name}`, `slots: {kind: cpu, count: 1, memory: ${plan.memoryBytes}}`, `calibration: {replicates: ${plan.replicates}}`, `limits: {trials: 32, minutes: ${minutes}}`,
      `roster: [${partition.roster.join(', ')}]`, '# Proposed by brigade init from what the code does; the reasons stand beside. Correct it, then: brigade surfaces check '.concat(name), 'partition:',
      ...partition.roster.flatMap((role) => [`  ${role}:`, ...claims(role)]),
      'protected:  # nobody changes these', ...claims('protected').map((line) => line.slice(2)), 'addable: []', '',
    ].join('\n').replace(/protected:  # nobody changes these\naddable/, 'protected: []\naddable'),
    'README.md': `# ${name}: ${metric.name} of \`${plan.commandLine}\`\n\n\`recipe/\` holds the files of commit ${plan.commit.slice(0, 12)} that specialists may change; \`surface.yaml\` says who owns what of them, and why that was proposed.\n\n    brigade surfaces check ${name}\n    brigade calibrate ${name}\n    brigade run ${name}\n\nA better recipe is in \`runs/<run>/best/\` when a run ends: copy it over your files and commit it.\n`,
    'knowledge/recipe.md': `# What is known of this recipe\n\n- It is run by \`${plan.commandLine}\`, on one core, in a sandbox without a network, and may take ${plan.budgetSeconds} s.\n- The score is ${metric.name}, ${metric.direction}d: the ${metric.take} value it prints.\n- What it reads beside its own files: ${plan.mounts.map(({ name: mount, path }) => `${mount} (${path})`).join(', ') || 'nothing'}.\n\nAdd what a newcomer would ask: what has been tried, what the data is, what must not be changed and why.\n`,
    ...Object.fromEntries(partition.roster.map((role) => [`specialists/${role}.md`, brief(role, plan)])),
    ...Object.fromEntries(Object.entries(plan.recipe).map(([file, text]) => [`recipe/${file}`, text])),
  };
}

const SCOPE: Readonly<Record<Role, string>> = {
  optimizer: 'How the weights are found: the optimizer and its settings, schedules, warm-up, clipping, averaging, how long training goes on.',
  architecture: 'What is trained: layers, their sizes and order, activations, normalisation, initial weights.',
  data: 'What it is trained on and in which order: loading, splitting, batches, context, augmentation, curriculum.',
  kernel: 'How it is computed: precision, compilation, fusing, threads, memory layout.',
};

function brief(role: Role, { partition, budgetSeconds }: Plan): string {
  const own = partition.claims.filter((claim) => claim.owner === role).map(({ file, symbol }) => (symbol === null ? file : `${symbol} in ${file}`));
  const others = partition.roster.filter((other) => other !== role);
  return `# Scope\n${SCOPE[role]} Here that is ${own.join(', ')}.\n\n# Non-scope\nEverything of ${others.length > 0 ? `${others.join(', ')}, and everything` : 'what is'} protected: data for validation, what measures and prints, seeds.\n\n# Edit radius\nOne idea a trial: a value, an expression, a function. It must still end within ${budgetSeconds} s.\n`;
}

/** The evaluator's folder. */
export function evaluatorFiles(plan: Plan, programs: Programs): Files {
  const { metric, artifact, budgetSeconds, script } = plan;
  const smoke = smokeSeconds(budgetSeconds);
  const cap = artifact?.capBytes ?? null;
  const phase = (said: string): string => `  - {${said}}`;
  const command = (verb: string): string => `command: [python, -I, /eval/harness.py, ${verb}]`;
  return {
    'evaluator.yaml': [
      `# Runs \`${plan.commandLine}\` and reads ${metric.name} from what it prints. See README.md.`,
      `objective: {metric: ${metric.name}, unit: ${quoted(metric.name.slice(0, 32))}, direction: ${metric.direction}, range: [${metric.range.join(', ')}]}`,
      'scoreSource: recipe  # the score is the command\'s own word, until scorer.py computes it from what the command made',
      `python: ${quoted(plan.python)}`,
      ...(plan.mounts.length === 0 ? [] : ['mounts:', ...plan.mounts.map((mount) => `  ${mount.name}: ${quoted(mount.path)}`)]),
      'artifact: {file: log.txt, cap: null}', `limits: {memory: ${plan.memoryBytes}, processes: 256, openFiles: 1024, scratch: ${Math.round(plan.memoryBytes / 2)}, log: 4MB}`,
      'phases:',
      phase(`name: smoke, role: smoke, ${command('smoke')}, clock: wall, budget: ${smoke + 30}, wall: ${smoke + 90}`),
      phase(`name: train, role: train, ${command('train')}, clock: wall, budget: ${budgetSeconds}, wall: ${Math.ceil(budgetSeconds + 120)}`),
      phase(`name: eval, role: eval, ${command('hold')}, scorer: [python, -I, scorer.py], clock: wall, budget: ${EVAL_SECONDS}, wall: ${2 * EVAL_SECONDS}`),
      ...(cap === null ? ['gates: []'] : ['gates:', phase(`name: artifact_bytes, limit: ${cap}, at: most`)]),
      ...(script === null ? ['canaries: []'] : ['canaries:', phase(`name: crasher, expect: crash, train: ${CANARY_SECONDS}`), phase(`name: silent, expect: crash, train: ${CANARY_SECONDS}`)]),
      'checksums: {}', '',
    ].join('\n'),
    'command.json': `${JSON.stringify({ command: plan.words, env: plan.env, metric: metric.name, pattern: metric.pattern, take: metric.take, direction: metric.direction, smokeSeconds: smoke, artifact: artifact?.path ?? null, mounts: plan.mounts.map((mount) => mount.name), links: Object.fromEntries(plan.mounts.flatMap(({ name: mount, link }) => (link === null ? [] : [[mount, link]]))) }, null, 2)}\n`,
    'harness.py': programs.harness, 'reading.py': programs.reading, 'scorer.py': programs.scorer,
    'README.md': evaluatorReadme(plan),
    ...(script === null ? {} : {
      'canaries/crasher/README.md': 'Ends with an exception before it prints anything.\n', [`canaries/crasher/${script}`]: 'raise RuntimeError("no")\n',
      'canaries/silent/README.md': 'Ends well and prints no metric.\n', [`canaries/silent/${script}`]: 'print("done")\n',
    }),
  };
}

function evaluatorReadme({ name, commandLine, metric, python, mounts, budgetSeconds }: Plan): string {
  return `# ${name}: ${metric.name}, as \`${commandLine}\` prints it

Each replicate runs the command on a copy of the recipe in a sandbox: no network, one core, ${budgetSeconds} s, interpreter ${python}. \`command.json\` holds the command, where
\`{seed}\` stands for the replicate's seed (also in \`BRIGADE_SEED\`), and the pattern that finds the metric in a line of its output; the ${metric.take} match counts.

| mounted read-only | inside |
|---|---|
${mounts.map((mount) => `| ${mount.path} | ${mount.link ?? `{mount:${mount.name}} in the command, $BRIGADE_MOUNTS/${mount.name}`} |`).join('\n') || '| nothing | |'}

**The score is the recipe's own word** (\`scoreSource: recipe\` in every row): whoever may change what is printed may change the score. To own it:

1. let the command leave what it made in a file, and name that file in \`harness.py\` as the artifact instead of \`log.txt\`;
2. in the phase \`eval\`, let \`harness.py\` load it and answer questions on descriptor 3;
3. let \`scorer.py\` ask them on data that is not mounted, compute the score, and print it; then delete \`scoreSource: recipe\`.

docs/evaluators.md of Brigade has the smallest pair of programs that do this.
`;
}
