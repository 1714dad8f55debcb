import { RedisReplyError } from '@sluice/redis';
import { UnreadableGroup } from './errors';

/**
 * Awaits a reply to a command that only reads: an error reply means that what stands at the key is
 * of another kind than it should be.
 *
 * @throws UnreadableGroup that names the key, or what the reply is rejected with
 */
export async function readable<T>(key: string, reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof RedisReplyError) throw new UnreadableGroup(key, error.message);
    throw error;
  }
}
