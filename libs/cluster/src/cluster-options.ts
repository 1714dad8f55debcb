import type { ClusterLimits } from './limits';

/** What a member of the cluster is told by the settings. */
export interface ClusterOptions {
  /** Its number among the brokers; null: the lowest that is free. */
  brokerId: number | null;
  /** Kafka's broker.rack; null: none. */
  rack: string | null;
  /** After so long without a word from it the others take over what it led. */
  brokerSessionMs: number;
  /**
   * Whether it spreads leaders evenly where it is the controller; else they stay where they are
   * until they are asked to move. What nobody leads is led again in any case.
   */
  leaderBalancing: boolean;
  /** How often it is looked whether leaders are spread evenly. */
  leaderBalancingMs: number;
  /** How far a broker may be off its share of leaders before some are moved, percent. */
  leaderImbalancePercent: number;
  /** The version of the program. */
  version: string;
  /** The name of this machine or container. */
  hostName: string;
}

/** The limits that settings change. */
export function limitsOf(options: ClusterOptions): Partial<ClusterLimits> {
  const { brokerSessionMs, leaderBalancing, leaderBalancingMs, leaderImbalancePercent } = options;
  return {
    sessionMs: brokerSessionMs,
    balanceEveryMs: leaderBalancingMs,
    // Beyond which nothing can be.
    imbalancePercent: leaderBalancing ? leaderImbalancePercent : Infinity,
  };
}
