import { systemClock, type Clock, type LogFields, type Logger } from '@sluice/base';
import { standardOutputSink } from './line-sink';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'text' | 'json';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** How lines are written, and which. */
export interface LoggerOptions {
  logLevel: LogLevel;
  logFormat: LogFormat;
  clock?: Clock;
  write?: (line: string) => void;
}

/**
 * Lines on standard output: for people (`text`), or one JSON object a line (`json`), as pino writes
 * it. An error among the fields has its message and its stack. None is lost when the process ends.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { logLevel, logFormat, clock = systemClock } = options;
  const { write = standardOutputSink().line } = options;
  if (logFormat === 'json') return jsonLogger(logLevel, clock, write);
  const least = levels.indexOf(logLevel);
  const at = (level: LogLevel) =>
    levels.indexOf(level) < least
      ? () => {}
      : (message: string, fields?: LogFields) => {
          const time = new Date(clock.nowMs()).toISOString();
          write(textLine(time, level, message, fields));
        };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function jsonLogger(level: LogLevel, clock: Clock, write: (line: string) => void): Logger {
  // Loaded here only: it takes 30 ms of the start and 8 MB, and most logs are text.
  const { pino, stdSerializers } = require('pino') as typeof import('pino');
  const lines = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) =>
          Object.fromEntries(
            Object.entries(fields).map(([name, value]) => [
              name,
              value instanceof Error ? stdSerializers.errWithCause(value) : value,
            ]),
          ),
      },
    },
    { write },
  );
  const at =
    (one: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      lines[one](fields, message);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function textLine(time: string, level: LogLevel, message: string, fields: LogFields = {}): string {
  const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${textValue(value)}`);
  return `${time.slice(11, 23)} ${level.padEnd(5)} ${message}${shown.join('')}\n`;
}

function textValue(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.stack ?? value.message);
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'undefined';
  return /[\s="]/.test(value) ? JSON.stringify(value) : value;
}

type NestLine = (message: unknown, ...rest: unknown[]) => void;

/** What Nest writes its lines to: the shape of its LoggerService. */
export type NestLogger = Record<'log' | 'debug' | 'verbose' | 'warn' | 'error' | 'fatal', NestLine>;

/**
 * Nest's own lines through the same log; what Nest says of its start is for debugging. A failed
 * start is left to `runProgram`, which explains it once.
 */
export function nestLogger(log: Logger): NestLogger {
  const debug: NestLine = (message) => log.debug(String(message));
  const error: NestLine = (message, ...rest) => {
    if (rest.at(-1) !== 'ExceptionHandler') log.error(String(message));
  };
  const warn: NestLine = (message) => log.warn(String(message));
  return { log: debug, debug, verbose: debug, warn, error, fatal: error };
}
