/** One parameter of a study: some named choices, or whole steps up and down a ladder. */
export type Parameter = {
  readonly name: string;
  /** Asked only when one of these parameters has that value; empty for always. */
  readonly when: readonly { readonly parameter: string; readonly value: string }[];
} & ({ readonly kind: 'choice'; readonly choices: readonly string[] } | { readonly kind: 'rung'; readonly low: number; readonly high: number });

/** A value for each parameter that was asked; a choice is a text, a rung a number. */
export type Values = Readonly<Record<string, string | number>>;

/** How a trial of a study ended. A failure says by how much it missed what it had to keep, as a share of it. */
export type Told = { readonly kind: 'scored'; readonly loss: number } | { readonly kind: 'failed'; readonly missedBy: number } | { readonly kind: 'open' };

/** Everything a sampler needs to say what to try next; the same study has the same answer. */
export interface Study {
  readonly seed: number;
  /** In the order in which they are asked: a parameter follows those it depends on. */
  readonly parameters: readonly Parameter[];
  /** Smaller losses are better. */
  readonly trials: readonly { readonly values: Values; readonly told: Told }[];
}
