/** Where something listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** An address as configurations and URLs have it. */
export function hostAndPort({ host, port }: Address): string {
  return `${host}:${port}`;
}

/** Where a process of a test runs, and by what address it is found. */
export interface Home {
  /** What it listens on. */
  readonly host: string;
  /** The command that runs another one there, with its arguments; none: as it is. */
  readonly prefix: readonly string[];
}

/** This machine's own network. */
export const thisMachine: Home = { host: '127.0.0.1', prefix: [] };
