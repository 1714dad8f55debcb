import { type Clock, type Logger, TroubleLog } from '@sluice/base';
import type { GroupLimits } from '../limits';
import { OutdatedCoordinator, StaleGroup } from '../store/errors';

export interface TroublesDeps {
  clock: Clock;
  log: Logger;
  limits: Pick<GroupLimits, 'troubleQuietMs'>;
}

/**
 * What goes wrong between the groups and Redis, told in one line when it begins and one when it is
 * over, however many groups and requests it meets.
 */
export class Troubles {
  readonly #redis: TroubleLog;
  readonly #rivals: TroubleLog;

  constructor({ clock, log, limits }: TroublesDeps) {
    const common = { clock, log, quietMs: limits.troubleQuietMs };
    const message = 'groups cannot be read or written in Redis';
    this.#redis = new TroubleLog({ ...common, message });
    const rivals = 'another coordinator changes the groups of this one';
    this.#rivals = new TroubleLog({ ...common, message: rivals });
  }

  /** @param what was tried, such as "a commit" */
  note(what: string, group: string, error: unknown): void {
    const isRival = error instanceof StaleGroup || error instanceof OutdatedCoordinator;
    const log = isRival ? this.#rivals : this.#redis;
    log.note({ group, what, error: (error as Error).message });
  }

  stop(): void {
    this.#redis.stop();
    this.#rivals.stop();
  }
}
