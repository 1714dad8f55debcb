import type { Home } from './home';

/**
 * What others than the tested processes find in the place of a server: the addresses that it tells
 * of itself, which lead to it.
 */
export interface ServerFront {
  /** The port that stands for the server's own. */
  readonly port: number;
  /** Where the server runs; missing: on this machine as it is. */
  readonly home?: Home;
  /** More arguments for the server, so that it tells these addresses. */
  readonly args: readonly string[];
  /** Where the server is: its port and, in a cluster, that of its bus. */
  leadsTo(port: number, busPort?: number): void;
}

/** Makes the front of a server, which is not there yet, by its number from 0 on. */
export type MakeFront = (server: number) => Promise<ServerFront>;
