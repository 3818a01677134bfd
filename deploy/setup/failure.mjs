/** A step that cannot be done: what failed, and the next step for a person. */
export class SetupFailure extends Error {
  constructor(what, remedy, log = null) {
    super(what);
    this.remedy = remedy;
    this.log = log;
  }
}
