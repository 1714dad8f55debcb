import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '@sluice/base';

/** Replies as they have always been, whatever the protocol. */
export type JobClientOptions = RedisOptions & { replyMapping?: 'legacy' };

/** Redis with the options of a connection for jobs, which its copies have too. */
export class JobRedis extends Redis {
  /** Copies that were made for blocking commands. */
  readonly copies: Redis[] = [];

  constructor(
    private readonly given: JobClientOptions,
    private readonly log: Logger,
  ) {
    super(given);
    this.on('error', (error: Error & { command?: { name?: string } }) => {
      // ioredis would go on in database 0, which is another's.
      if (error.command?.name === 'select') this.disconnect(true);
      const { connectionName: role } = given;
      this.log.debug('Redis connection for jobs failed', { role, error: error.message });
    });
  }

  override duplicate(): Redis {
    const blocking = { connectionName: 'sluice-jobs-wait', socketTimeout: undefined };
    const copy = new JobRedis({ ...this.given, ...blocking }, this.log);
    this.copies.push(copy);
    return copy;
  }
}
