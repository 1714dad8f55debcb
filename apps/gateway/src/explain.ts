import { AdminListenError } from '@sluice/admin';
import { explainRedisStart } from '@sluice/redis';

/** What went wrong at the start of the gateway, and what to do, in words for people. */
export function explainStart(error: unknown, { host, port }: { host: string; port: number }) {
  const ofRedis = explainRedisStart(error);
  if (ofRedis !== undefined) return ofRedis;
  if (error instanceof AdminListenError) {
    const names = { port: '--admin-port or SLUICE_ADMIN_PORT', host: '--admin-host' };
    const why = explainListen(error.cause, error.address, names);
    if (why !== undefined) return `${why} --no-admin leaves the admin endpoints out.`;
  }
  const names = { port: '--port or SLUICE_PORT', host: '--host' };
  const why = explainListen(error as NodeJS.ErrnoException, { host, port }, names);
  if (why !== undefined) return why;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function explainListen(
  { code }: NodeJS.ErrnoException,
  { host, port }: { host: string; port: number },
  names: { port: string; host: string },
): string | undefined {
  if (code === 'EADDRINUSE') {
    return `Port ${port} is in use by another program. Choose one with ${names.port}.`;
  }
  if (code === 'EACCES') return `This user may not listen on port ${port}; choose one above 1023.`;
  const isNoAddress = code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND';
  return isNoAddress ? `This machine has no address ${host}; see ${names.host}.` : undefined;
}
