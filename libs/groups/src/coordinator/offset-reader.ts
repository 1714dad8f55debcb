import type { Clock, Logger } from '@sluice/base';
import { ErrorCode } from '@sluice/wire';
import type { FetchOffsetsRequest, FetchOffsetsResult } from '../api';
import type { GroupLimits } from '../limits';
import { UnreadableGroup } from '../store/errors';
import type { CommittedOffsets } from '../store/offsets';
import { Quarantine } from './quarantine';
import type { Troubles } from './troubles';

export interface OffsetReaderDeps {
  offsets: CommittedOffsets;
  clock: Clock;
  log: Logger;
  limits: GroupLimits;
  troubles: Troubles;
}

/**
 * OffsetFetch, from Redis and not from memory. A Redis that is away, or an offset that cannot be
 * read, is NOT_COORDINATOR here, not COORDINATOR_NOT_AVAILABLE: older Java consumers take the
 * latter for fatal in this one request.
 */
export class OffsetReader {
  /** Groups whose offsets cannot be read, though their states may be. */
  readonly #unreadable: Quarantine;

  constructor(private readonly deps: OffsetReaderDeps) {
    this.#unreadable = new Quarantine(deps);
  }

  async fetch({ groupId, partitions }: FetchOffsetsRequest): Promise<FetchOffsetsResult> {
    const { offsets, troubles } = this.deps;
    try {
      const found =
        partitions === null
          ? await offsets.fetchAll(groupId)
          : await offsets.fetch(groupId, partitions);
      this.#unreadable.release(groupId);
      return { errorCode: ErrorCode.NONE, offsets: found };
    } catch (error) {
      if (error instanceof UnreadableGroup) this.#unreadable.add(groupId, error);
      else troubles.note('reading its offsets', groupId, error);
      return { errorCode: ErrorCode.NOT_COORDINATOR, offsets: [] };
    }
  }
}
