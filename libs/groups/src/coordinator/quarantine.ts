import type { Clock, Logger } from '@sluice/base';
import type { GroupLimits } from '../limits';
import { UnreadableGroup } from '../store/errors';

export interface QuarantineDeps {
  clock: Clock;
  log: Logger;
  limits: Pick<GroupLimits, 'quarantineMs' | 'quarantinedGroupsMax'>;
}

/** Why a group is not served. */
interface Case {
  message: string;
  /** Whether what is stored is to blame, and not a fault in this program. */
  isStored: boolean;
  isNewer: boolean;
  untilMs: number;
}

/**
 * The groups that cannot be served because of what is stored of them, or because of a fault in this
 * program that they bring out. They are left alone, so that everything else goes on; after a while
 * each may be tried again, and what is wrong with it is not told a second time.
 */
export class Quarantine {
  readonly #cases = new Map<string, Case>();

  constructor(private readonly deps: QuarantineDeps) {}

  /** Groups that are in it, or were and have not been read since. */
  get count(): number {
    return this.#cases.size;
  }

  /** Puts a group in, or keeps it in, for `quarantineMs`. */
  add(groupId: string, error: Error): void {
    const { clock, log, limits } = this.deps;
    const { message, stack } = error;
    const isStored = error instanceof UnreadableGroup;
    const isKnown = this.#cases.get(groupId)?.message === message;
    this.#cases.delete(groupId);
    this.#cases.set(groupId, {
      message,
      isStored,
      isNewer: isStored && error.isNewer,
      untilMs: clock.monotonicMs() + limits.quarantineMs,
    });
    if (this.#cases.size > limits.quarantinedGroupsMax) {
      const [oldest] = this.#cases.keys();
      this.#cases.delete(oldest!);
    }
    if (isKnown) return;
    const fields = { group: groupId, error: message, ...(isStored ? {} : { stack }) };
    log.error('A group cannot be served; the others are', fields);
  }

  /** Whether the group must not be tried now. */
  holds(groupId: string): boolean {
    const found = this.#cases.get(groupId);
    return found !== undefined && this.deps.clock.monotonicMs() < found.untilMs;
  }

  /** What is wrong with a group that must not be tried now; null where it may be. */
  reason(groupId: string): { message: string; isNewer: boolean } | null {
    return this.holds(groupId) ? this.#cases.get(groupId)! : null;
  }

  /** Drops those groups that are not this coordinator's any more, without a word. */
  dropIf(isGone: (groupId: string) => boolean): void {
    for (const groupId of this.#cases.keys()) {
      if (isGone(groupId)) this.#cases.delete(groupId);
    }
  }

  /** The group can be read. */
  release(groupId: string): void {
    const found = this.#cases.get(groupId);
    if (found === undefined) return;
    this.#cases.delete(groupId);
    // A fault in the program may show itself again with the next request.
    if (found.isStored) this.deps.log.info('A group can be served again', { group: groupId });
  }
}
