import type { Topic } from '@sluice/log';

/** A gateway that is there, as clients are told of it. */
export interface BrokerInfo {
  readonly id: number;
  /** Where clients are told to connect. */
  readonly host: string;
  readonly port: number;
  /** Kafka's broker.rack; null where none was given. */
  readonly rack: string | null;
  /** The version of Sluice that it runs. */
  readonly version: string;
}

/** Where clients are told to connect. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** Who leads a partition, and who may. */
export interface Placement {
  /** −1 where nobody leads it at the moment. */
  readonly leaderId: number;
  /**
   * Rises each time the controller gives the partition to a session of a broker, from 0 on. Scripts
   * compare it, so that who led before can do no harm. −1: nothing is compared, as with one
   * gateway alone. It is not Kafka's leader epoch, which also rises when Redis has lost writes.
   */
  readonly leadership: number;
  /** The brokers that may lead it, the preferred one first; live or not. */
  readonly replicas: readonly number[];
}

/** What is new in the cluster; what is not named is as it was. */
export interface ClusterChange {
  /** Ids of the topics whose placements are others now; `all` where that is not known. */
  readonly topics: ReadonlySet<string> | 'all';
  /** Whether groups may have another coordinator. */
  readonly coordinators: boolean;
  /** Whether a broker came, went or changed, or another is the controller. */
  readonly brokers: boolean;
}

/**
 * The cluster as this gateway knows it: at most a second old where its session holds. Everything is
 * answered from memory.
 */
export interface ClusterView {
  /** This gateway's id. */
  readonly selfId: number;
  /** −1 where nobody is. */
  readonly controllerId: number;
  /** Those that are there, by rising id. */
  brokers(): readonly BrokerInfo[];
  /** The placement of each partition of a topic; one that has none yet has no leader. */
  placementsOf(topic: Topic): readonly Placement[];
  /** Of an index that the topic has. */
  placementOf(topic: Topic, partition: number): Placement;
  /** The broker that coordinates a group; −1 where none does at the moment. */
  coordinatorOf(groupId: string): number;
  /**
   * The epoch with which this gateway coordinates a group; null where another does, or where this
   * one is not sure of its session.
   */
  coordinatorEpochOf(groupId: string): number | null;
  /**
   * Whether this gateway's session surely holds: if not, another may lead by now what it led, and
   * it must not answer for it from memory. It ends by the clock: nobody is told.
   */
  readonly isSure: boolean;
  /**
   * Calls the listener after each change, in the turn in which the view has become another.
   *
   * @returns a function that takes the listener back
   */
  onChange(listener: (change: ClusterChange) => void): () => void;
}

/** How an administrative change of the cluster ended. */
export type ClusterOutcome =
  | 'done'
  /** Only the controller does it: ask `controllerId`. */
  | 'not-controller'
  /** It is as was asked for already (ELECTION_NOT_NEEDED). */
  | 'not-needed'
  /** The preferred leader is not there. */
  | 'not-available'
  /** Such replicas cannot be had: unknown, not there, twice or none. */
  | 'invalid-replicas';

/** The cluster, and what one member of it may do. */
export interface Cluster extends ClusterView {
  /**
   * Joins: takes the id, has the session renewed from now on, and is known to the others when it
   * resolves. The port has to be listened on already: who holds it may take over what another
   * process on the same host, which held it before, has left behind.
   *
   * @throws Error with several lines on who holds the id and what to do
   */
  join(address: BrokerAddress): Promise<void>;
  /**
   * Gives away all that this gateway leads and coordinates, and resolves when others have it, or
   * when `timeoutMs` are over; at once where it is alone. Where Redis is away it waits for it, for
   * no longer than that. It is still in the cluster afterwards.
   */
  retire(timeoutMs: number): Promise<void>;
  /** Leaves; the others know at once. It never rejects. */
  leave(): Promise<void>;
  /**
   * Waits until all partitions of a topic have a leader.
   *
   * @returns whether they have, within `timeoutMs`
   */
  untilPlaced(topic: Topic, timeoutMs: number): Promise<boolean>;
  /**
   * Where the registry has lost its last writes, a partition may know a later leadership than the
   * one that this gateway has of it. This raises it beyond that.
   *
   * @param above the leadership that the partition knows
   */
  raiseLeadership(topic: Topic, partition: number, above: number): Promise<void>;
  /** Like `raiseLeadership`, for the coordinator of a group. */
  raiseCoordinator(groupId: string, above: number): Promise<void>;
  /**
   * Makes the preferred replicas the leaders of some partitions of a topic (ElectLeaders), in one
   * write.
   *
   * @returns what became of each of them
   */
  electPreferred(
    topic: Topic,
    partitions: readonly number[],
  ): Promise<ReadonlyMap<number, ClusterOutcome>>;
  /**
   * Which brokers may lead the partitions of a topic from now on (AlterPartitionReassignments,
   * manual assignments of CreateTopics and CreatePartitions), by index. Nothing has to be copied:
   * it is done when it resolves.
   */
  assignReplicas(
    topic: Topic,
    replicas: ReadonlyMap<number, readonly number[]>,
  ): Promise<ClusterOutcome>;
}
