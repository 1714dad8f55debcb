import { Module } from '@nestjs/common';
import type { Cluster } from './api';
import { SingleGateway } from './single-gateway';

/** Nest's token for the `Cluster` that this gateway is a member of. */
export const CLUSTER = Symbol('Cluster');
/** Nest's token for `ClusterOptions`, which the app provides to all modules. */
export const CLUSTER_OPTIONS = Symbol('ClusterOptions');

/** What a member of the cluster is told by the settings. */
export interface ClusterOptions {
  /** Its number among the brokers; null: the lowest that is free. */
  brokerId: number | null;
  /** Kafka's broker.rack; null: none. */
  rack: string | null;
  /** After so long without a word from it the others take over what it led. */
  brokerSessionMs: number;
  /** The version of the program. */
  version: string;
}

/** The lowest id that is given. */
const brokerIdMin = 1;

/** The cluster. Whoever listens on the port joins it, and leaves it. */
@Module({
  providers: [{ provide: CLUSTER, inject: [CLUSTER_OPTIONS], useFactory: ownCluster }],
  exports: [CLUSTER],
})
export class ClusterModule {}

function ownCluster({ brokerId, rack, version }: ClusterOptions): Cluster {
  return new SingleGateway({ id: brokerId ?? brokerIdMin, rack, version });
}
