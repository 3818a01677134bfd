/** A folder of a surface or an evaluator that cannot be used as it is; every problem is one line of what, where and the remedy. */
export class BadSurface extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
    this.name = 'BadSurface';
    this.problems = problems;
  }
}
