import type { Clock, Logger } from '@sluice/base';
import type { MemberPartition } from '@sluice/groups';
import type { PartitionDelivery } from '@sluice/log';
import type { RecordSink } from '../api';
import type { ConsumedPartition } from './consumed-partition';
import type { ConsumerLimits } from './consumer-limits';
import type { ReadableEndDeps } from './readable-end';

/** Where a partition's group stands, as committed. */
export interface CommittedPosition {
  offset: number;
  lineage: number;
}

/** What a partition of a consumer is made of, and who is told of what. */
export interface PartitionParts {
  grant: MemberPartition;
  group: string;
  memberId: string;
  delivery: PartitionDelivery;
  readable: ReadableEndDeps;
  sink: RecordSink;
  limits: ConsumerLimits;
  isAtMostOnce: boolean;
  clock: Clock;
  log: Logger;
  /** Where the group begins. */
  committed: CommittedPosition;
  isPaused: boolean;
  /** Whether the member surely has the partition at this moment. */
  isHeld: () => boolean;
  /** It may be read (again). */
  onReadable: () => void;
  /** Redis has a new progress, which is to be committed. */
  onProgress: (partition: ConsumedPartition) => void;
  /** So many bytes more, or less, are held. */
  onHeld: (bytes: number) => void;
  /** It came into another state, which the consumer's may depend on. */
  onState: () => void;
  /** It is another's, or there is no such partition any more. */
  onLost: (partition: ConsumedPartition, why: 'fenced' | 'deleted') => void;
}
