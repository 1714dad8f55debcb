import { ErrorCode } from '@sluice/wire';
import type { GroupCoordinator } from '../src/coordinator/coordinator';
import type { JoinResult } from '../src/api';
import { subscription } from './machine-driver';

export interface ConsumerOptions {
  coordinator: () => GroupCoordinator;
  groupId: string;
  name: string;
  partitions?: number;
  instanceId?: string;
  topics?: string[];
  protocolType?: string;
  sessionTimeoutMs?: number;
  rebalanceTimeoutMs?: number;
}

/** What a consumer must do again, as against a refusal that ends it. */
const retried: readonly number[] = [
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.MEMBER_ID_REQUIRED,
];

/** A consumer as clients are: joins, syncs, heartbeats, joins again when it is told to. */
export class TestConsumer {
  memberId = '';
  generationId = -1;
  /** The partitions of the current generation; null while it has none. */
  assigned: number[] | null = null;
  /** Every error code it was answered. */
  readonly errors: number[] = [];
  #isClosed = false;
  #running: Promise<void> | null = null;

  constructor(private readonly options: ConsumerOptions) {}

  /** Begins to take part in the group. */
  start(): this {
    this.#running = this.#run();
    return this;
  }

  /** Falls silent without leaving, as a process that is killed. */
  async die(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  /** Leaves the group. */
  async close(): Promise<void> {
    await this.die();
    const member = { memberId: this.memberId, groupInstanceId: null };
    await this.#coordinator.leave({ groupId: this.options.groupId, members: [member] });
  }

  /** One JoinGroup, with the defaults of these tests. */
  join(memberId = this.memberId): Promise<JoinResult> {
    const { groupId, name, sessionTimeoutMs, rebalanceTimeoutMs, topics } = this.options;
    return this.#coordinator.join({
      groupId,
      memberId,
      groupInstanceId: this.options.instanceId ?? null,
      clientId: name,
      clientHost: '/127.0.0.1',
      protocolType: this.options.protocolType ?? 'consumer',
      protocols: [{ name: 'range', metadata: subscription(...(topics ?? ['orders'])) }],
      sessionTimeoutMs: sessionTimeoutMs ?? 10_000,
      rebalanceTimeoutMs: rebalanceTimeoutMs ?? 10_000,
      requireKnownMemberId: true,
      supportsSkippingAssignment: false,
    });
  }

  /** Joins and syncs once. */
  async enter(): Promise<void> {
    let joined = await this.join();
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED)
      joined = await this.join(joined.memberId);
    this.memberId = joined.memberId;
    if (this.#isError(joined.errorCode)) return;
    this.generationId = joined.generationId;
    const synced = await this.#coordinator.sync({
      ...this.#claim(),
      protocolType: null,
      protocolName: null,
      assignments: this.#share(joined),
    });
    if (this.#isError(synced.errorCode)) return;
    this.assigned = [...synced.assignment];
  }

  heartbeat(): Promise<{ errorCode: number }> {
    return this.#coordinator.heartbeat(this.#claim());
  }

  /** Commits one offset. @returns the error code */
  async commit(offset: number, partition = 0, metadata: string | null = null): Promise<number> {
    const offsets = [
      { topicId: 'T', topic: 'orders', partition, offset, leaderEpoch: 0, metadata },
    ];
    const result = await this.#coordinator.commitOffsets({ ...this.#claim(), offsets });
    return result.errorCode;
  }

  get #coordinator(): GroupCoordinator {
    return this.options.coordinator();
  }

  #claim() {
    const { groupId, instanceId } = this.options;
    const { memberId, generationId } = this;
    return { groupId, memberId, generationId, groupInstanceId: instanceId ?? null };
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      if (this.assigned === null) {
        await this.enter();
      } else {
        this.#isError((await this.heartbeat()).errorCode);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #isError(errorCode: number): boolean {
    if (errorCode === ErrorCode.NONE) return false;
    this.errors.push(errorCode);
    this.assigned = null;
    if (!retried.includes(errorCode)) this.memberId = '';
    return true;
  }

  /** Partition p to member p mod n: every partition has one owner. One byte a partition. */
  #share({ members }: JoinResult) {
    const partitions = Array.from({ length: this.options.partitions ?? 6 }, (_, index) => index);
    return members.map(({ memberId }, index) => ({
      memberId,
      assignment: Buffer.from(partitions.filter((id) => id % members.length === index)),
    }));
  }
}
