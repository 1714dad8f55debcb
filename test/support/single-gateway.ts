import type {
  BrokerAddress,
  BrokerInfo,
  Cluster,
  ClusterOutcome,
  Placement,
} from '@sluice/cluster';
import { noLeadership, type Topic } from '@sluice/log';

/** The epoch of the one coordinator that there is. */
const onlyEpoch = 0;

/** What one gateway tells of itself, but for where it is. */
type OwnDescription = Pick<BrokerInfo, 'id' | 'rack' | 'version'>;

/**
 * Stands in for the cluster in tests of one gateway, and in those that want several at once which
 * know nothing of each other: it leads and coordinates everything, and is the controller.
 */
export class SingleGateway implements Cluster {
  readonly isSure = true;
  readonly #placement: Placement;
  #brokers: readonly BrokerInfo[] = [];

  constructor(private readonly own: OwnDescription) {
    this.#placement = { leaderId: own.id, leadership: noLeadership, replicas: [own.id] };
  }

  get selfId(): number {
    return this.own.id;
  }

  get controllerId(): number {
    return this.own.id;
  }

  brokers(): readonly BrokerInfo[] {
    return this.#brokers;
  }

  placementsOf({ partitions }: Topic): readonly Placement[] {
    return Array.from({ length: partitions }, () => this.#placement);
  }

  placementOf(): Placement {
    return this.#placement;
  }

  coordinatorOf(): number {
    return this.own.id;
  }

  coordinatorEpochOf(): number {
    return onlyEpoch;
  }

  onChange(): () => void {
    return () => undefined;
  }

  join({ host, port }: BrokerAddress): Promise<void> {
    this.#brokers = [{ ...this.own, host, port }];
    return Promise.resolve();
  }

  retire(): Promise<void> {
    return Promise.resolve();
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }

  untilPlaced(): Promise<boolean> {
    return Promise.resolve(true);
  }

  raiseLeadership(): Promise<void> {
    return Promise.resolve();
  }

  raiseCoordinator(): Promise<void> {
    return Promise.resolve();
  }

  electPreferred(
    _topic: Topic,
    partitions: readonly number[],
  ): Promise<ReadonlyMap<number, ClusterOutcome>> {
    return Promise.resolve(new Map(partitions.map((partition) => [partition, 'not-needed'])));
  }

  assignReplicas(
    _topic: Topic,
    replicas: ReadonlyMap<number, readonly number[]>,
  ): Promise<ClusterOutcome> {
    const isOnlyOwn = (brokers: readonly number[]) =>
      brokers.length === 1 && brokers[0] === this.own.id;
    const areOwn = [...replicas.values()].every(isOnlyOwn);
    return Promise.resolve(areOwn ? 'done' : 'invalid-replicas');
  }
}
