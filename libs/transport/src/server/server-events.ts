import type {
  ConsumedRecord,
  ConsumerHealth,
  ConsumerStatus,
  PartitionName,
} from '@sluice/streams';
import type { DeadLetterReason } from '../handlers/verdict';

/** How a server does, all its groups together. */
export type StreamsStatus =
  'connecting' | 'connected' | 'rebalancing' | 'reconnecting' | 'draining' | 'stopped' | 'failed';

/** How a server does, for health checks. */
export interface StreamsServerHealth {
  status: StreamsStatus;
  /** What keeps it from its work; null for nothing. */
  problem: string | null;
  members: MemberHealth[];
}

/** How a member of a group does, and its handlers. */
export interface MemberHealth extends Omit<ConsumerHealth, 'partitions'> {
  partitions: PartitionHealth[];
}

/** How a partition does that a member owns. */
export type PartitionHealth = ConsumerHealth['partitions'][number] & {
  /** Milliseconds since the oldest call of a handler began that runs; 0 for none. */
  oldestCallMs: number;
};

/** A record that will be tried again. */
export interface RetryEvent {
  group: string;
  record: ConsumedRecord;
  error: unknown;
  attempt: number;
  delayMs: number;
}

/** A record that could not be handled. */
export interface DeadLetterEvent {
  group: string;
  record: ConsumedRecord;
  /** Null: the handler has no dead-letter topic, and the record is dropped. */
  topic: string | null;
  reason: DeadLetterReason;
  error: unknown;
}

/** What `on` of a server listens to. */
export type StreamsServerEvents = {
  status: (status: StreamsStatus) => void;
  assigned: (group: string, partitions: readonly PartitionName[]) => void;
  revoked: (group: string, partitions: readonly PartitionName[]) => void;
  retry: (event: RetryEvent) => void;
  deadLetter: (event: DeadLetterEvent) => void;
};

const statuses: Record<ConsumerStatus, StreamsStatus> = {
  failed: 'failed',
  reconnecting: 'reconnecting',
  rebalancing: 'rebalancing',
  joining: 'connecting',
  draining: 'draining',
  running: 'connected',
  stopped: 'stopped',
};

/** What a server's status is called by the first of these that one of its members has. */
const worstFirst: readonly ConsumerStatus[] = [
  'failed',
  'reconnecting',
  'rebalancing',
  'joining',
  'draining',
  'running',
];

/** The status of a server whose members have these. */
export function statusOf(members: readonly ConsumerStatus[]): StreamsStatus {
  const worst = worstFirst.find((status) => members.includes(status)) ?? 'stopped';
  return statuses[worst];
}

type Listener = (...parameters: unknown[]) => void;

/** Listeners, from before the server listens until after it has ended. */
export class ServerEvents {
  readonly #listeners = new Map<string, Listener[]>();

  constructor(private readonly onFailure: (event: string, error: unknown) => void) {}

  on<Name extends keyof StreamsServerEvents>(
    name: Name,
    listener: StreamsServerEvents[Name],
  ): void {
    const listeners = this.#listeners.get(name) ?? [];
    this.#listeners.set(name, [...listeners, listener as Listener]);
  }

  /** What a listener throws is its own affair. */
  emit<Name extends keyof StreamsServerEvents>(
    name: Name,
    ...parameters: Parameters<StreamsServerEvents[Name]>
  ): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(...parameters);
      } catch (error) {
        this.onFailure(name, error);
      }
    }
  }
}
