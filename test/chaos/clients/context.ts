import type { HistoryFile } from '../history/history-file';
import type { SeededRandom } from '../seeded-random';

/** What every client of a run is made with. */
export interface ClientContext {
  history: HistoryFile;
  /** Ports of 127.0.0.1 on which gateways are found. */
  seeds: readonly number[];
  /** The gateway that is found at a port. */
  gatewayAt: (port: number) => string | null;
  topic: string;
  partitions: number;
  random: SeededRandom;
}

/** A client of a run: it works from `start` to `stop`, whatever happens meanwhile. */
export interface ChaosClient {
  readonly name: string;
  /** Resolves when it works, or has begun to try. */
  start(): Promise<void>;
  /** Resolves when all that it had under way has an outcome. */
  stop(): Promise<void>;
}

/** How long a client waits before it tries again what failed. */
export const retryPauseMs = 50;
/** How long a client waits for a reply. */
export const replyMsMax = 10_000;
