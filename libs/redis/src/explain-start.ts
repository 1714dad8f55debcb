import { RedisReplyError, RedisStartError, RedisUnavailable, UnknownOutcome } from './errors';

const kinds = [RedisReplyError, RedisUnavailable, UnknownOutcome];

/**
 * What Redis had to do with a failed start, in words for people; undefined where it had nothing.
 */
export function explainRedisStart(error: unknown): string | undefined {
  if (error instanceof RedisStartError) return error.message;
  if (!kinds.some((kind) => error instanceof kind)) return undefined;
  const { message } = error as Error;
  const lines = [`Redis did not do what the start needs: ${message}`];
  if (/\bOOM\b/.test(message)) {
    lines.push('It is full, and takes no writes. Raise maxmemory there, or delete what can go.');
  }
  return lines.join('\n');
}
