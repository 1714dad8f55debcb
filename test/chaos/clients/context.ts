import type { Address } from '../../support/home';
import type { HistoryFile } from '../history/history-file';
import type { SeededRandom } from '../seeded-random';

/** What every client of a run is made with. */
export interface ClientContext {
  history: HistoryFile;
  /** Where gateways are found. */
  seeds: readonly Address[];
  /** The gateway that is found at an address. */
  gatewayAt: (address: Address) => string | null;
  topic: string;
  partitions: number;
  random: SeededRandom;
  writing: Writing;
  /** How many times as long as on an idle machine everything may take. */
  slowness: number;
}

/** How much producers write. */
export interface Writing {
  /** A producer waits for up to this time between two batches. */
  pauseMsMax: number;
  /** Which share of the batches is large. */
  largeShare: number;
}

const usualWriting: Writing = { pauseMsMax: 50, largeShare: 0.1 };
/** Runs that are longer write more slowly: a Redis reads the whole log whenever it starts. */
const usualSecondsMax = 300;

/** How much producers write in a run of this length. */
export function writingFor(seconds: number): Writing {
  const { pauseMsMax, largeShare } = usualWriting;
  const times = Math.max(1, seconds / usualSecondsMax);
  return { pauseMsMax: pauseMsMax * times, largeShare: largeShare / times };
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
