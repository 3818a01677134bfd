/** A mistake of whoever started it, told in one line. */
export class Refused extends Error {}
