import type { ChainableCommander } from 'ioredis';
import { JobRedis } from './job-redis';

/** What ends a transaction, and is part of it. */
export type EndOfTransaction = (transaction: ChainableCommander) => void;

/** The condition of a transaction did not hold, and nothing was done. */
class ConditionFailed extends Error {
  override readonly name = 'ConditionFailed';
}

/** Makes of one pipeline a transaction, for libraries that know of pipelines alone. */
export class TransactionRedis extends JobRedis {
  #end: EndOfTransaction | null = null;
  #reply: unknown = undefined;

  /**
   * Lets `send` send one pipeline over this connection, which becomes a transaction: all of it is
   * done with `end`, whose one command is the last, or nothing is. What was watched (`WATCH`)
   * before is its condition. For one caller at a time.
   *
   * @returns the reply to the last command; null where a watched key had changed, and nothing was
   *   done
   * @throws what `send` throws; that may leave open whether it was done
   */
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
