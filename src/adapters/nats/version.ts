/** The oldest server that can promise durability and that we tested. */
export const OLDEST_SERVER = '2.10.27';

const parts = (version: string): number[] => version.replace(/^v/, '').split(/[.-]/).slice(0, 3).map((part) => Number.parseInt(part, 10) || 0);

/** Whether a nats-server of this version can be made to keep what it acknowledged. */
export function isRecentServer(version: string): boolean {
  const have = parts(version);
  const need = parts(OLDEST_SERVER);
  for (const [i, floor] of need.entries()) {
    const mine = have[i] ?? 0;
    if (mine !== floor) return mine > floor;
  }
  return true;
}

/** The server cannot keep what it acknowledges: another one is needed. */
export class ServerNotDurable extends Error {
  readonly version: string;
  readonly where: string;
  constructor(version: string, where: string, reason: string) {
    super(`nats-server ${version.replace(/^v/, '')} at ${where} cannot promise durability (${reason}). Brigade needs ${OLDEST_SERVER} or newer: npm run setup fetches one, or give --nats URL.`);
    this.name = 'ServerNotDurable';
    this.version = version;
    this.where = where;
  }
}
