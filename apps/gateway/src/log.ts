import type { LoggerService } from '@nestjs/common';
import type { LogFields, Logger } from '@sluice/base';
import type { LogFormat, LogLevel } from './config/settings';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Lines on standard output: for people (`text`), or one JSON object a line (`json`). */
export function createLogger(
  { logLevel, logFormat }: { logLevel: LogLevel; logFormat: LogFormat },
  write: (line: string) => void = (line) => process.stdout.write(line),
): Logger {
  const least = levels.indexOf(logLevel);
  const format = logFormat === 'json' ? jsonLine : textLine;
  const at = (level: LogLevel) =>
    levels.indexOf(level) < least
      ? () => {}
      : (message: string, fields?: LogFields) => write(format(level, message, fields));
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function jsonLine(level: LogLevel, message: string, fields: LogFields = {}): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`;
}

function textLine(level: LogLevel, message: string, fields: LogFields = {}): string {
  const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${textValue(value)}`);
  const time = new Date().toISOString().slice(11, 23);
  return `${time} ${level.padEnd(5)} ${message}${shown.join('')}\n`;
}

function textValue(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'undefined';
  return /[\s="]/.test(value) ? JSON.stringify(value) : value;
}

/** Nest's own lines through the same log; what Nest says of its start is for debugging. */
export function nestLogger(log: Logger): LoggerService {
  return {
    log: (message: unknown) => log.debug(String(message)),
    debug: (message: unknown) => log.debug(String(message)),
    verbose: (message: unknown) => log.debug(String(message)),
    warn: (message: unknown) => log.warn(String(message)),
    error: (message: unknown) => log.error(String(message)),
    fatal: (message: unknown) => log.error(String(message)),
  };
}
