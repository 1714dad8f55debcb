import { transportLimits } from '../transport-limits';

/** What a dead letter says of an error, bounded. */
export interface ErrorReport {
  name: string;
  message: string;
  /** With the stacks of its causes; empty for what is no `Error`. */
  stack: string;
}

/** What is known of an error, of whatever kind it is. */
export function reportOf(error: unknown): ErrorReport {
  const { errorNameLengthMax, errorMessageLengthMax, errorStackLengthMax } = transportLimits;
  return {
    name: nameOf(error).slice(0, errorNameLengthMax),
    message: messageOf(error).slice(0, errorMessageLengthMax),
    stack: stackOf(error).slice(0, errorStackLengthMax),
  };
}

function nameOf(error: unknown): string {
  if (error instanceof Error) {
    const { name } = error;
    return name === 'Error' ? error.constructor.name : name;
  }
  return typeof error;
}

/** The message of an error, or what is nearest to one. */
export function messageOf(error: unknown): string {
  if (typeof error === 'string') return error;
  if (typeof error !== 'object' || error === null) return String(error);
  if ('message' in error && typeof error.message === 'string') return error.message;
  try {
    return JSON.stringify(error);
  } catch {
    return Object.prototype.toString.call(error);
  }
}

function stackOf(error: unknown): string {
  const stacks: string[] = [];
  let current = error;
  while (current instanceof Error && stacks.length <= transportLimits.errorCausesMax) {
    stacks.push(current.stack ?? `${current.name}: ${current.message}`);
    current = current.cause;
  }
  return stacks.join('\nCaused by: ');
}
