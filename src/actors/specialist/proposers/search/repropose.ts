import type { Patches, Syntax } from '../../../../ports.ts';
import { deprive, withoutFaults } from '../../decide.ts';
import type { SpecialistView, Thought } from '../../proposer.ts';
import { searchProposer, type SearchOptions } from './index.ts';

/** Thinks again what a specialist thought at `view.asOf`: a recorded run is proved repeatable by comparing the two. */
export const repropose = (view: SpecialistView, options: SearchOptions, deps: { readonly syntax: Syntax; readonly patches: Patches }): Promise<Thought> =>
  searchProposer(options, deps).propose(options.lineage ? withoutFaults(view) : deprive(view), new AbortController().signal);
