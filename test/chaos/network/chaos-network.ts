import type { Address, Home } from '../../support/home';
import type { ServerFront } from '../../support/server-front';
import type { Line } from './line';

/** Something that a gateway needs: a server of Redis or a Sentinel. */
export interface Found extends Address {
  /** The port that servers tell; missing where nobody tells of it. */
  toldPort?: number;
}

/** The place of a gateway in a network. */
export interface GatewayPlace {
  home: Home;
  /** The port that it listens on itself. */
  port: number;
  /** Where clients find it. */
  address: Address;
  /** Where it finds what it needs, in the order of that. */
  finds: readonly Address[];
  /** Between its clients and it. */
  clientLine: Line;
  /** Between it and each of what it needs, in the order of that. */
  redisLines: readonly Line[];
  /** Between it and everybody. */
  line: Line;
}

/** Where the processes of a run are, and what is between them and can be broken. */
export interface ChaosNetwork {
  /** For a process that others find by its own address. */
  home(): Promise<Home>;
  /**
   * For the next of several servers of Redis.
   *
   * @param hasBus it is a node of a cluster
   */
  front(hasBus: boolean): Promise<ServerFront>;
  /** For a gateway that needs these. */
  gateway(found: readonly Found[]): Promise<GatewayPlace>;
  /**
   * Nothing gets from one of several servers to other servers and Sentinels any more, nor from them
   * to it; gateways and the test itself reach it.
   */
  cutOff(server: number): void | Promise<void>;
  /** The network between servers is whole again. */
  heal(): void | Promise<void>;
  /** Nothing is left of it. */
  close(): Promise<void>;
}

/** How a network is made. */
export type NetworkKind = 'proxies' | 'namespaces';
