import { RedisUnavailable } from '@sluice/redis';
import { ErrorCode } from '@sluice/wire';
import type { OffsetToCommit } from '../../api';
import type { GroupMeter } from '../../metrics';
import { StaleGroup } from '../../store/errors';
import type { CommittedOffsets } from '../../store/offsets';
import { codeOfFailure } from './failure-code';
import type { GroupMemory } from './group-memory';

export interface CommitLaneDeps {
  offsets: CommittedOffsets;
  memory: GroupMemory;
  meter: GroupMeter;
  /** Has something done when its turn among the requests comes. */
  inTurn: (run: () => Promise<void> | undefined) => void;
}

/**
 * The commits of one group that are on their way to Redis. The group goes on with its next request
 * once a commit is sent: what follows is sent later on the same connection, and so happens later.
 */
export class CommitLane {
  readonly #inFlight = new Set<Promise<void>>();

  constructor(private readonly deps: CommitLaneDeps) {}

  get inFlightCount(): number {
    return this.#inFlight.size;
  }

  /** Sends a commit; the group must exist and be in memory. */
  send(offsets: readonly OffsetToCommit[], answer: (errorCode: number) => void): void {
    const { memory, meter } = this.deps;
    const { fence } = memory.current();
    const count = offsets.length;
    const sent = this.deps.offsets.commit(memory.groupId, fence, offsets).then(
      () => this.#stored(count, answer),
      (error: unknown) => {
        meter.failed();
        const isStale = error instanceof StaleGroup;
        answer(isStale ? ErrorCode.NOT_COORDINATOR : codeOfFailure(error));
        this.#giveUp(fence, error);
      },
    );
    this.#inFlight.add(sent);
    void sent.then(() => this.#inFlight.delete(sent));
  }

  #stored(offsets: number, answer: (errorCode: number) => void): void {
    this.deps.meter.stored(offsets);
    answer(ErrorCode.NONE);
  }

  /** Resolves when what is on its way now has arrived, or failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
  }

  /**
   * After a commit that failed. If somebody else has the group, it is read again. If the commit may
   * still be on its way, on a connection that was given up, the group gets another fence before
   * anything else is written: else it could arrive after a later commit, and move the offset back.
   */
  #giveUp(usedFence: string, error: unknown): void {
    const { memory, inTurn } = this.deps;
    inTurn(() => {
      const isCurrent = memory.owned?.fence === usedFence;
      memory.failed('a commit', error, isCurrent ? 'unless-stale' : 'always');
      const isInDoubt = isCurrent && !(error instanceof RedisUnavailable);
      return isInDoubt && !memory.isStopped ? memory.renew() : undefined;
    });
  }
}
