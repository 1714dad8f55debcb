import type { newerLeaders, StoredLeaders } from '../store/stored-leaders';

/** A broker that is there. */
export interface PlannedBroker {
  readonly id: number;
  readonly rack: string | null;
  /** Names its session. */
  readonly token: string;
  /** It is about to leave. */
  readonly isDraining: boolean;
}

/** A topic, or the coordinators. */
export interface PlannedTopic {
  readonly id: string;
  readonly partitions: number;
}

/** What a plan is made from; nothing else is looked at. */
export interface PlanInput {
  readonly brokers: readonly PlannedBroker[];
  readonly topics: readonly PlannedTopic[];
  /**
   * Topic id to who leads its partitions now; null: that cannot be read, and is as good as none.
   */
  readonly stored: ReadonlyMap<string, StoredLeaders | typeof newerLeaders | null>;
  /** Replicas of a partition that nobody has chosen any for. */
  readonly replicasMax: number;
}

/** Topic id to who is to lead its partitions, for those where something changes. */
export type Plan = ReadonlyMap<string, StoredLeaders>;
