import { systemClock, type Logger } from '@sluice/base';
import { partitionKeys, PartitionStore, type Confirmation, type PartitionRef } from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import { appendAll } from '@sluice/test/support/appended';
import { appendedAs } from '@sluice/test/support/batches';
import { encodeBatch, type BatchOptions } from '@sluice/records';
import type { ConsumedRecord, ConsumerSettings, OwnedPartition, RecordSink } from '../src/api';
import type { ConsumerLimits } from '../src/consumer/consumer-limits';
import { GroupReader } from '../src/consumer/group-reader';
import { ConsumerListeners } from '../src/consumer/listeners';
import { GrantedGroup, type GrantedSession } from './granted-group';

/** What came to a sink, and the partition that it came with. */
export interface Taken {
  record: ConsumedRecord;
  owned: OwnedPartition;
}

/** A sink that keeps all, and deals with it at once or when told to. */
export class KeptRecords implements RecordSink {
  readonly taken: Taken[] = [];
  /** What becomes of each record as soon as it comes. */
  each: (taken: Taken) => void = ({ owned, record }) => owned.acknowledge(record.offset);

  take(owned: OwnedPartition, records: readonly ConsumedRecord[]): void {
    for (const record of records) {
      this.taken.push({ record, owned });
      this.each({ record, owned });
    }
  }

  /** Offsets in the order in which they came. */
  offsets(partition = 0): number[] {
    return this.taken
      .filter(({ record }) => record.partition === partition)
      .map(({ record }) => record.offset);
  }
}

/** A log line. */
export interface Line {
  level: string;
  message: string;
  fields: unknown;
}

/** Partitions of a topic, a group whose grants the test gives, and consumers of it. */
export class ConsumerBench {
  readonly store: PartitionStore;
  readonly granted = new GrantedGroup();
  readonly lines: Line[] = [];
  readonly topicId = 'AAAAAAAAAAAAAAAAAAAAAA';
  readonly group = 'readers';
  /** What the topic asks for before its records are handed over. */
  confirmation: Confirmation | null = null;
  private readonly open: GroupReader[] = [];
  private readonly log: Logger;

  constructor(readonly link: RedisLink) {
    this.store = new PartitionStore(link);
    const at = (level: string) => (message: string, fields?: object) =>
      void this.lines.push({ level, message, fields });
    this.log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }

  ref(partition = 0): PartitionRef {
    return { topic: 'orders', topicId: this.topicId, partition };
  }

  /** The key of a partition's stream. */
  stream(partition = 0): string {
    return partitionKeys(this.link.keyPrefix, this.ref(partition)).log;
  }

  /** Appends one batch for each list of values. */
  async append(
    batches: readonly (readonly string[])[],
    { partition = 0, ...options }: Partial<BatchOptions> & { partition?: number } = {},
  ): Promise<void> {
    const ref = this.ref(partition);
    await this.store.initPartition(ref);
    const made = batches.map((values) => {
      const records = values.map((value) => ({ value: Buffer.from(value), timestampMs: 1_000 }));
      return appendedAs(encodeBatch({ records, ...options }));
    });
    await appendAll(this.store, ref, made, this.confirmation);
  }

  /** Appends what is taken for a batch. */
  appendBytes(batch: Buffer): Promise<void> {
    return appendAll(this.store, this.ref(), [appendedAs(batch)]);
  }

  /** Reads new entries as a member would, and does nothing with them. */
  async readAway(member: string, count: number, partition = 0): Promise<void> {
    const stream = this.stream(partition);
    await this.link.write.xreadgroup(
      ...(['GROUP', this.group, member, 'COUNT', count, 'STREAMS', stream, '>'] as const),
    );
  }

  /** A consumer that has joined. */
  async consumer(
    sink: RecordSink,
    {
      memberId = 'one',
      limits,
      link = this.link,
      ...settings
    }: Partial<ConsumerSettings> & {
      memberId?: string;
      limits?: Partial<ConsumerLimits>;
      link?: RedisLink;
    } = {},
  ): Promise<{ consumer: GroupReader; session: GrantedSession; listeners: ConsumerListeners }> {
    let session: GrantedSession | undefined;
    const listeners = new ConsumerListeners();
    const consumer = new GroupReader(
      {
        redis: link,
        store: this.store,
        confirming: {
          confirmationOf: () => this.confirmation,
          replicationTimeoutMs: 1_000,
          trouble: { note: () => {} },
        },
        clock: systemClock,
        log: this.log,
        limits: { lookEveryMs: 100, commitEveryMs: 20, ...limits },
        listeners,
        newSession: (listener) => (session = this.granted.session(memberId, listener)),
      },
      { group: this.group, topics: ['orders'], ...settings },
      sink,
    );
    this.open.push(consumer);
    await consumer.start();
    return { consumer, session: session!, listeners };
  }

  grant(session: GrantedSession, ...partitions: number[]): void {
    this.granted.grant(
      session,
      partitions.map((partition) => this.ref(partition)),
    );
  }

  committed(partition = 0): number | undefined {
    return this.granted.committed.get(`${this.topicId}/${partition}`)?.offset;
  }

  /** What redis-cli would show of the group: pending entries, and each consumer with its own. */
  async seen(partition = 0): Promise<{
    pending: number;
    consumers: Record<string, number>;
    lag: number | null;
    delivered: string;
  }> {
    const { read } = this.link;
    const key = this.stream(partition);
    const groups = ((await read.xinfo('GROUPS', key)) as unknown[][]).map(flat);
    const group = groups.find((one) => one.get('name') === this.group);
    const rows = (await read.xinfo('CONSUMERS', key, this.group)) as unknown[][];
    const consumers = Object.fromEntries(
      rows.map(flat).map((one) => [one.get('name'), one.get('pending')]),
    ) as Record<string, number>;
    return {
      pending: group?.get('pending') as number,
      lag: group?.get('lag') as number | null,
      delivered: group?.get('last-delivered-id') as string,
      consumers,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.open.splice(0).map((consumer) => consumer.close(0)));
  }
}

/** Names and values that follow one another. */
function flat(row: unknown[]): Map<string, unknown> {
  return new Map(row.flatMap((name, at) => (at % 2 === 0 ? [[name as string, row[at + 1]]] : [])));
}

/** 0, 1, … below `end`, from `start` on. */
export function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}
