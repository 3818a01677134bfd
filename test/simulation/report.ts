import { judge, type Broken } from './laws.ts';
import { planOf, type Plan } from './plan.ts';
import { simulate, type Line, type Told } from './world.ts';

// What a broken law looks like to whoever has to mend it.
//
//   R1. Faults that the breach does not need are left out first: what remains is the shortest way there that greed finds.
//   R2. Then the lines about what broke, and about the daemons in them, are told from their beginning; the rest is counted.

/** A world that has been, and the laws it broke. */
export interface Lived { readonly seed: number; readonly broken: readonly Broken[]; readonly told: Told }

/** Lets one plan happen, and judges what came of it. */
export async function live(plan: Plan): Promise<Lived> {
  const told = await simulate(plan);
  return { seed: plan.seed, broken: judge(told), told };
}

/** The same breach with as few faults as greed can do without (R1). */
export async function smallest(breach: Lived): Promise<Lived> {
  const law = breach.broken[0]?.law;
  let found = breach;
  for (let i = breach.told.plan.faults.length - 1; i >= 0; i--) {
    const { plan } = found.told;
    const fewer = await live({ ...plan, faults: plan.faults.filter((fault) => fault !== breach.told.plan.faults[i]) });
    if (fewer.broken[0]?.law === law) found = fewer;
  }
  for (const calm of [{ spikes: 0 }, { faultyPhases: 0 }, { faultyClearing: 0 }]) {
    const calmer = await live({ ...found.told.plan, ...calm });
    if (calmer.broken[0]?.law === law) found = calmer;
  }
  return found;
}

const LONGEST = 80;
const print = ({ ms, who, says }: Line): string => `${ms.toFixed(1).padStart(9)}  ${who.padEnd(18)} ${says.slice(0, 240)}`;

/** A whole history as text, the same for the same seed. */
export const historyOf = ({ history }: Told): string => history.map(print).join('\n');

/** What a person is shown of a breach (R2). */
export function explain({ seed, broken, told }: Lived): string {
  const [first] = broken;
  const about = new Set(first?.about ?? []);
  const isAbout = (line: Line): boolean => about.size === 0 || line.about.some((word) => about.has(word)) || about.has(line.who) || line.about.length === 0;
  const lines = told.history.filter(isAbout);
  const from = Math.max(0, lines.length - LONGEST);
  return [
    `SEED=${seed}: ${broken.length === 1 ? 'one law is broken' : `${broken.length} laws are broken`}`,
    ...broken.slice(0, 5).map(({ law, says }) => `  ${law}: ${says}`),
    `with ${told.plan.faults.length} of ${planOf(seed).faults.length} faults, ${told.plan.brokers.length} broker${told.plan.brokers.length === 1 ? '' : 's'}; ${told.history.length - lines.length + from} lines that are about something else are left out:`,
    ...lines.slice(from).map(print),
    `Again: SEED=${seed} npx vitest run test/simulation`,
  ].join('\n');
}

/** Lets seeds happen one after another; answers with the first breaches, made small. */
export async function search({ from, seeds, most = 3, onLived = () => undefined }: { readonly from: number; readonly seeds: number; readonly most?: number; readonly onLived?: (lived: Lived) => void }): Promise<string[]> {
  const found: string[] = [];
  for (let seed = from; seed < from + seeds; seed++) {
    const lived = await live(planOf(seed));
    onLived(lived);
    if (lived.broken.length > 0 && found.length < most) found.push(explain(await smallest(lived)));
    await new Promise((resolve) => { setImmediate(resolve); }); // the process may have something else to do
  }
  return found;
}
