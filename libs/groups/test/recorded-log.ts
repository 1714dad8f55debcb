import type { LogFields, Logger } from '@sluice/base';

/** One line of a log. */
export interface Line {
  level: keyof Logger;
  message: string;
  fields: LogFields;
}

/** A log that keeps its lines. */
export class RecordedLog implements Logger {
  readonly lines: Line[] = [];

  debug(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', message, fields });
  }

  info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', message, fields });
  }

  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', message, fields });
  }

  error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', message, fields });
  }

  /** The lines of one level that are about one group. */
  about(level: keyof Logger, groupId: string): Line[] {
    return this.lines.filter((line) => line.level === level && line.fields.group === groupId);
  }
}
