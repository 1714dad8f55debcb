import { RedisReplyError, RedisStartError, RedisUnavailable, UnknownOutcome } from '@sluice/redis';

/** What went wrong at the start of the gateway, and what to do, in words for people. */
export function explainStart(error: unknown, { host, port }: { host: string; port: number }) {
  if (error instanceof RedisStartError) return error.message;
  if (isOfRedis(error)) return explainRedis(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return `Port ${port} is in use by another program. Choose one with --port or SLUICE_PORT.`;
  }
  if (code === 'EACCES') return `This user may not listen on port ${port}; choose one above 1023.`;
  if (code === 'EADDRNOTAVAIL') return `This machine has no address ${host}; see --host.`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
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
