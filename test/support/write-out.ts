import { setTimeout as sleep } from 'node:timers/promises';
import { askRedis } from './ask-redis';

/** A server that is frozen, or busy, is killed as it is. */
const waitMsMax = 500;

/**
 * To be called before a server is killed to see that a dead process loses nothing. With
 * `appendfsync everysec` Redis keeps what it has acknowledged out of its file for up to two seconds
 * while an earlier fsync takes its time (`flushAppendOnlyFile`), so on a slow disk SIGKILL takes it
 * away. From here on, each command is in the file before it is answered.
 */
export async function writeOut(server: { host: string; port: number }): Promise<void> {
  const asked = askRedis(server, 'CONFIG SET appendfsync no').catch(() => undefined);
  await Promise.race([asked, sleep(waitMsMax, undefined, { ref: false })]);
}
