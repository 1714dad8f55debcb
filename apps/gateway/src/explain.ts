import { AdminListenError } from '@sluice/admin';
import { RedisReplyError, RedisStartError, RedisUnavailable, UnknownOutcome } from '@sluice/redis';

/** What went wrong at the start of the gateway, and what to do, in words for people. */
export function explainStart(error: unknown, { host, port }: { host: string; port: number }) {
  if (error instanceof RedisStartError) return error.message;
  if (isOfRedis(error)) return explainRedis(error);
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

function explainRedis({ message }: Error): string {
  const lines = [`Redis did not do what the start needs: ${message}`];
  if (/\bOOM\b/.test(message)) {
    lines.push('It is full, and takes no writes. Raise maxmemory there, or delete what can go.');
  }
  return lines.join('\n');
}

function isOfRedis(error: unknown): error is Error {
  return [RedisReplyError, RedisUnavailable, UnknownOutcome].some((kind) => error instanceof kind);
}
