import type { Redis } from 'ioredis';
import { attempt, RedisReplyError, RedisUnavailable, UnknownOutcome } from './errors';
import type { Logger } from '@sluice/base';
import { parseInfo } from './server';

/** A smaller file holds nothing of ours that could be cut in half. */
const aofBytesMin = 512;

/**
 * Has a server with an append-only file write it anew, once in its run: it may have begun with a
 * damaged one.
 *
 * A server that is killed, or loses power, while it writes may leave a file that ends inside a
 * transaction, as which each script is written too. The next start drops the transaction, but
 * cuts off no more than its last, half command; what is written from then on lies behind an open
 * MULTI in the file. The start after that runs the half of the transaction as well: a log may be
 * left under its other name, or have a batch that nobody acknowledged
 * (https://github.com/valkey-io/valkey/pull/4342). A file that is written anew holds what the
 * server has in memory, which is right.
 */
export async function renewAof(redis: Redis, log: Logger): Promise<void> {
  try {
    const info = parseInfo(await attempt('INFO persistence', redis.info('persistence')));
    if (!needsRenewal(info)) return;
    await attempt('BGREWRITEAOF', redis.bgrewriteaof());
    log.info('Redis rewrites its append-only file once, in case a crash has left it half written');
  } catch (error) {
    // Another gateway was first, or the connection broke: then the next one comes back here.
    if (error instanceof RedisReplyError && error.message.includes('in progress')) return;
    if (error instanceof UnknownOutcome) return;
    if (error instanceof RedisUnavailable && error.reason === 'disconnected') return;
    log.warn(
      'Redis should rewrite its append-only file after a restart, and could not be asked to: ' +
        'if it was killed while it wrote, its next restart may damage records. Run: ' +
        'redis-cli BGREWRITEAOF',
      { error: (error as Error).message },
    );
  }
}

function needsRenewal(info: ReadonlyMap<string, string>): boolean {
  if (info.get('aof_enabled') !== '1' || Number(info.get('aof_current_size')) < aofBytesMin) {
    return false;
  }
  if (info.get('aof_rewrite_in_progress') === '1') return false;
  if (info.get('aof_rewrite_scheduled') === '1') return false;
  // Neither since its start, nor in vain.
  const never = info.get('aof_last_rewrite_time_sec') === '-1';
  return never || info.get('aof_last_bgrewrite_status') === 'err';
}
