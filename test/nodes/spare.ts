import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

// Makes the test surface last: its specialists would have tried everything before half of the faults had come, each measurement over at once.
// Makes an evaluator patient: what is timed by the wall takes longer on a machine that does other things too.

/** Names that change nothing, in every file that a specialist owns. */
const SPARE = 150;
const OWNED = ['optimizer.py', 'model.py', 'data.py', 'kernel.py'];
/** An artifact's recipe counts, and has grown. */
const CAP = 60_000;
/** A canary trains for so long where it does not say. */
const CANARY_SECONDS = 1;

/** Gives the copy of `tiny` more to try and measurements that take a while; leaves other surfaces alone. */
export async function makeLast(original: string, surface: string, lingerSeconds: number): Promise<void> {
  if (surface !== 'tiny') return;
  const recipe = join(original, 'surfaces', surface, 'recipe');
  for (const name of OWNED) {
    const spare = Array.from({ length: SPARE }, (_, n) => `SPARE_${n} = ${n + 1}.5`);
    await writeFile(join(recipe, name), `${await readFile(join(recipe, name), 'utf8')}\n${spare.join('\n')}\n`);
  }
  const glue = join(recipe, 'recipe.py');
  const code = await readFile(glue, 'utf8');
  const napping = code.replace('import random\n', 'import random\nimport time\n').replace('    generator = ', `    time.sleep(${lingerSeconds})\n    generator = `);
  if (napping.split('time').length < 3) throw new Error(`${glue} is not what the lab knows: say in test/nodes/spare.ts where its measurements can nap`);
  await writeFile(glue, napping);
}

interface Timed { budget: number; tolerance?: number }
interface Phase extends Timed { clock: string; role: string; wall: number; milestones?: Timed[] }
interface Evaluator { phases: Phase[]; canaries?: { train?: number }[]; artifact: { cap: number | string | null } }

export interface Stretch {
  /** How many times slower than an idle machine this one is. */
  readonly slow: number;
  /** What was added to every measurement, asleep. */
  readonly lingerSeconds: number;
  /** Whether the recipe was made longer. */
  readonly hasSpare: boolean;
}

/**
 * An evaluator with more time. A phase that is timed by the wall has as many times more as the machine is slower, with all its stretches and its canaries, and what was
 * added to it. One that is timed in calibrated seconds keeps its budget, which is how long it trains: only the wall that ends it for good is further off.
 */
export function stretched(yaml: string, { slow, lingerSeconds, hasSpare }: Stretch): string {
  const evaluator = parse(yaml) as Evaluator;
  const slower = ({ budget, tolerance, ...rest }: Timed) => ({ ...rest, budget: budget * slow, ...(tolerance === undefined ? {} : { tolerance: tolerance * slow }) });
  const phases = evaluator.phases.map((phase) => {
    const wall = phase.wall * slow + lingerSeconds;
    if (phase.clock !== 'wall') return { ...phase, wall };
    const { budget, ...more } = slower(phase);
    return { ...phase, ...more, budget: budget + lingerSeconds, wall, ...(phase.milestones === undefined ? {} : { milestones: phase.milestones.map(slower) }) };
  });
  const isTimedByWall = evaluator.phases.some(({ role, clock }) => role === 'train' && clock === 'wall');
  const canaries = evaluator.canaries?.map((canary) => (isTimedByWall ? { ...canary, train: (canary.train ?? CANARY_SECONDS) * slow + lingerSeconds } : canary));
  return stringify({ ...evaluator, phases, ...(canaries === undefined ? {} : { canaries }), ...(hasSpare ? { artifact: { ...evaluator.artifact, cap: CAP } } : {}) });
}
