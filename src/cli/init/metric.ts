import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { directionOf, faultOf, namesIn, patternFor, rangeOf, valuesIn, type Plan } from '../../adapters/starter/index.ts';
import { TOKEN } from '../../domain/ids.ts';
import { decimal, plural } from '../../domain/figures.ts';
import { Mistake } from '../mistake.ts';
import type { Asker } from './ask.ts';
import type { InitFlags } from './flags.ts';

export interface FoundMetric { readonly metric: Plan['metric']; readonly notes: readonly string[] }

/** Settles which metric is meant, how it is found in a log, and which way is better. Throws `Mistake` for what cannot be settled. */
export async function settleMetric(folder: string, flags: InitFlags, texts: readonly string[], asker: Asker | null): Promise<FoundMetric> {
  const sample = await sampleOf(folder, flags, asker);
  const seen = sample === null ? [] : namesIn(sample);
  const name = flags.metric ?? await asker?.ask(`What is the metric called${seen.length > 0 ? ` (its log has ${seen.slice(0, 6).join(', ')})` : ''}?`, seen.find((one) => /val|test|acc|loss/.test(one)) ?? seen[0] ?? null);
  if (name === undefined || name === '') throw new Mistake(`--metric is missing: what is to be made better${seen.length > 0 ? `; the log has ${seen.slice(0, 8).join(', ')}` : ', as the command prints it, e.g. --metric val_loss'}`);
  if (!TOKEN.test(name)) throw new Mistake(`--metric ${name} must be 1 to 64 letters, digits, - or _; how it is printed is --pattern's`);
  const pattern = flags.pattern ?? patternFor(name);
  const fault = faultOf(pattern);
  if (fault !== null) throw new Mistake(`--pattern ${pattern} will not do: ${fault}`);
  const values = sample === null ? [] : valuesIn(sample, pattern);
  if (sample !== null && values.length === 0) throw new Mistake(`no line of ${flags.log ?? 'the sample'} says ${name}${flags.pattern === undefined ? '' : ` (${pattern})`}${seen.length > 0 ? `: it has ${seen.slice(0, 8).join(', ')}` : ''}; give another --metric, or the --pattern with one group round the number`);
  const direction = flags.minimize ? 'minimize' : flags.maximize ? 'maximize' : directionOf(name) ?? await askDirection(name, asker);
  if (direction === null) throw new Mistake(`is more ${name} better? Give --minimize or --maximize`);
  const take = choice(flags.take ?? 'last');
  const range = flags.range === undefined ? rangeOf(name, values) : readRange(flags.range);
  const words = new RegExp(name.split(/[^A-Za-z0-9]+/).filter(Boolean).join('[^A-Za-z0-9]*'), 'i');
  const notes = sample !== null
    ? [`${plural(values.length, 'line')} of the sample ${values.length === 1 ? 'has' : 'have'} ${name}, the last ${decimal(values.at(-1) ?? NaN)}`]
    : flags.pattern === undefined && texts.length > 0 && !texts.some((text) => words.test(text)) ? [`no text in the files has ${name} in it: if the command prints it otherwise, give --pattern, or --log with a log of it`] : [];
  return { metric: { name, pattern, direction, range, take }, notes };
}

async function sampleOf(folder: string, { log, line }: InitFlags, asker: Asker | null): Promise<string | null> {
  const given = log ?? (line === undefined && asker ? await asker.ask('Is there a log of it? Its path, or Enter for none', null) : '');
  if (given !== '') return readFile(resolve(folder, given), 'utf8').catch(() => { throw new Mistake(`--log ${given} cannot be read: give the path of a text that the command printed`); });
  return line ?? null;
}

async function askDirection(name: string, asker: Asker | null): Promise<'minimize' | 'maximize' | null> {
  if (!asker) return null;
  const said = await asker.ask(`Is more ${name} better?`, 'no');
  return /^y/i.test(said) ? 'maximize' : 'minimize';
}

function choice(take: string): 'last' | 'best' | 'first' {
  if (take !== 'last' && take !== 'best' && take !== 'first') throw new Mistake(`--take ${take} must be one of last, best, first`);
  return take;
}

function readRange(text: string): readonly [number, number] {
  const [low, high, ...more] = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (low === undefined || high === undefined || more.length > 0 || !(low < high) || !Number.isFinite(low) || !Number.isFinite(high)) throw new Mistake(`--range ${text} must be two numbers, the lowest first: --range 0,20`);
  return [low, high];
}
