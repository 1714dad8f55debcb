import { AdminListenError } from '@sluice/admin';
import { BrokerIdHeld } from '@sluice/cluster';
import { explainAdminListen, explainListen } from '@sluice/process';
import { explainRedisStart } from '@sluice/redis';

/** What went wrong at the start of the gateway, and what to do, in words for people. */
export function explainStart(error: unknown, { host, port }: { host: string; port: number }) {
  const ofRedis = explainRedisStart(error);
  if (ofRedis !== undefined) return ofRedis;
  if (error instanceof BrokerIdHeld) return error.message;
  if (error instanceof AdminListenError) {
    const why = explainAdminListen(error.cause, error.address);
    if (why !== undefined) return why;
  }
  const names = { port: '--port or SLUICE_PORT', host: '--host' };
  const why = explainListen(error as NodeJS.ErrnoException, { host, port }, names);
  if (why !== undefined) return why;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
