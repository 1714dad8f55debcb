import type { ChainableCommander } from 'ioredis';
import type { Logger } from '@sluice/base';
import { closeConnection } from './connection';
import { jobClientOptions, JobRedis, type JobConnection } from './job-connections';
import type { ResolvedOptions } from './options';

/** What ends a transaction, and is part of it. */
export type EndOfTransaction = (transaction: ChainableCommander) => void;

/** A connection whose pipelines can be made into transactions. */
export interface TransactionConnection extends JobConnection {
  /**
   * Lets `send` send one pipeline over this connection, which becomes a transaction: all of it is
   * done with `end`, whose one command is the last, or nothing is. What was watched (`WATCH`) before
   * is its condition. For one caller at a time.
   *
   * @returns the reply to the last command; null where a watched key had changed, and nothing was
   *   done
   * @throws what `send` throws; that may leave open whether it was done
   */
  transaction(send: () => Promise<unknown>, end: EndOfTransaction): Promise<unknown>;
}

/** The condition of a transaction did not hold, and nothing was done. */
class ConditionFailed extends Error {
  override readonly name = 'ConditionFailed';
}

/** Makes of one pipeline a transaction, for libraries that know of pipelines alone. */
class TransactionRedis extends JobRedis {
  #end: EndOfTransaction | null = null;
  #reply: unknown = undefined;

  async transaction(send: () => Promise<unknown>, end: EndOfTransaction): Promise<unknown> {
    this.#end = end;
    this.#reply = undefined;
    try {
      await send();
    } catch (error) {
      if (error instanceof ConditionFailed) return null;
      throw error;
    } finally {
      this.#end = null;
    }
    if (this.#reply === undefined) throw new Error('what was to be a transaction was not sent');
    return this.#reply;
  }

  override pipeline(commands?: unknown[][]): ChainableCommander {
    const end = this.#end;
    if (end === null) return super.pipeline(commands);
    this.#end = null;
    const transaction = this.multi(commands);
    const exec = transaction.exec.bind(transaction);
    transaction.exec = async () => {
      end(transaction);
      const results = await exec();
      if (results === null) throw new ConditionFailed('a key had changed');
      const [error, reply] = results.pop() ?? [];
      if (error) throw error;
      this.#reply = reply ?? null;
      return results;
    };
    return transaction;
  }
}

/**
 * Makes a connection for transactions and begins to connect. It is made once and never again: what
 * is watched is watched by the connection that was there when it was watched, and a transaction
 * that came over another would run without its condition.
 */
export function openTransactionConnection(
  options: ResolvedOptions,
  log: Logger,
): TransactionConnection {
  const given = { ...jobClientOptions(options, 'ask'), retryStrategy: () => null };
  const redis = new TransactionRedis({ ...given, connectionName: 'sluice-jobs-feed' }, log);
  return {
    redis,
    transaction: (send, end) => redis.transaction(send, end),
    close: () => closeConnection(redis),
  };
}
