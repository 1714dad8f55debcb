import type { LoggerService } from '@nestjs/common';
import type { LogFields, Logger } from '@sluice/base';

/**
 * Nest's logger as ours: the fields follow the sentence as JSON. Single cases, which the libraries
 * tell at level `debug`, are left out: Nest shows that level to everybody who has not chosen one.
 */
export function nestLogger(logger: LoggerService): Logger {
  return {
    debug: () => {},
    info: (message, fields) => void logger.log(line(message, fields)),
    warn: (message, fields) => void logger.warn(line(message, fields)),
    error: (message, fields) => void logger.error(line(message, fields)),
  };
}

function line(message: string, fields: LogFields = {}): string {
  return Object.keys(fields).length === 0 ? message : `${message} ${JSON.stringify(fields)}`;
}
