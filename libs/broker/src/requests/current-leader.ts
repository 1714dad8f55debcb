import type { Topic } from '@sluice/log';
import { ErrorCode } from '@sluice/wire';
import { limits } from '../limits';
import type { BrokerServices } from './context';

/** A broker to connect to, as responses tell it. */
export interface NodeEndpoint {
  nodeId: number;
  host: string;
  port: number;
  rack: string | null;
}

/** Who leads a partition, as responses tell it. */
export interface CurrentLeader {
  leaderId: number;
  leaderEpoch: number;
}

/** The answer for one partition of a request that only its leader serves. */
export interface LedAnswer {
  topic: Topic | undefined;
  index: number;
  errorCode: number;
  tell: (leader: CurrentLeader) => void;
}

/** Whether a client of this error is helped by being told who leads. */
export function asksForLeader(errorCode: number): boolean {
  const { NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH } = ErrorCode;
  return errorCode === NOT_LEADER_OR_FOLLOWER || errorCode === FENCED_LEADER_EPOCH;
}

/**
 * Tells clients who have come to the wrong broker, or with an old epoch, where to go (KIP-951).
 *
 * @returns the brokers that were told
 */
export async function tellLeaders(
  { cluster, partitions: { store } }: BrokerServices,
  answers: Iterable<LedAnswer>,
): Promise<NodeEndpoint[]> {
  const told = new Map<number, NodeEndpoint>();
  for (const { topic, index, errorCode, tell } of answers) {
    if (topic === undefined || !asksForLeader(errorCode)) continue;
    const { leaderId } = cluster.placementOf(topic, index);
    const broker = cluster.brokers().find(({ id }) => id === leaderId);
    if (broker === undefined) continue;
    const epochs = await store.leaderEpochs(topic, limits.epochAgeMsMax);
    tell({ leaderId, leaderEpoch: epochs[index] ?? -1 });
    const { host, port, rack } = broker;
    told.set(leaderId, { nodeId: leaderId, host, port, rack });
  }
  return [...told.values()];
}
