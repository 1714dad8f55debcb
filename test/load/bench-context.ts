import type { Redis } from 'ioredis';
import type { GatewayProcess } from './gateways';

/** What every scenario works with. */
export interface BenchContext {
  /** The tool's own connection to the Redis that the gateway uses: the peer of each comparison. */
  redis: Redis;
  /**
   * Starts a gateway, on that Redis unless another is named, and resolves with its port;
   * `stopGateway` ends all.
   */
  startGateway(redisUrl?: string): Promise<number>;
  /** The same for one of this build or of another, with a key prefix of its own. */
  startBuild(build: 'this' | 'other', keyPrefix: string): Promise<GatewayProcess>;
  stopGateway(): Promise<void>;
  /** Rejects when the bench is told to stop, so that it can tidy up. */
  interrupted: Promise<never>;
  /** Smaller amounts, for a first look. */
  quick: boolean;
  rounds: number;
  /** Redis keeps an append-only file. */
  aof: boolean;
  /** Says what is being done. */
  progress(line: string): void;
}

/** One line of the result. */
export interface Measurement {
  name: string;
  unit: string;
  sluice: number;
  /** The bare Redis figure of the same run, where there is one. */
  peer?: number;
  peerName?: string;
  /** sluice ÷ peer. */
  ratio?: number;
  /** What is asked of the ratio (or of the figure, where there is no peer). */
  target?: string;
  met?: boolean;
}
