import type { LogFields } from '@sluice/base';

/** Why the gateway ends a connection by itself, and the level at which the log tells it. */
export const closeReasons = {
  'idle for too long': 'debug',
  'the gateway stops': 'warn',
  'a request stopped half way': 'warn',
  'the client does not read its replies': 'warn',
  'malformed request': 'warn',
  'unknown API key': 'warn',
  'version of an API that is not served': 'warn',
  'a produce with acks=0 failed': 'warn',
  'a request failed': 'error',
  'a test drops the request': 'debug',
  'a test drops the reply': 'debug',
} as const satisfies Record<string, 'debug' | 'warn' | 'error'>;

export type CloseReason = keyof typeof closeReasons;

/** Thrown by a handler to end the connection: the protocol has no error for what happened. */
export class CloseConnection extends Error {
  override name = 'CloseConnection';

  /** @param fields what the log says beside the reason */
  constructor(
    readonly reason: CloseReason,
    readonly fields: LogFields = {},
  ) {
    super(reason);
  }
}
