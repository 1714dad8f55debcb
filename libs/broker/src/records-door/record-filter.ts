import type { RecordData } from '@sluice/records';
import { limits } from '../limits';
import { invalid } from './door-refusal';

/**
 * Which records are wanted: those that pass all that is given. Texts are compared as their UTF-8
 * bytes, so nothing is decoded for a record that does not pass. There are no patterns, which could
 * run for ever.
 */
export interface FilterRequest {
  /** The whole key. */
  keyEquals?: string;
  keyContains?: string;
  valueContains?: string;
  /** In the key, the value, or the value of a header. */
  contains?: string;
  /** `name=value`, or just `name` for a header that is there. */
  header?: string;
  /** A JSON pointer (RFC 6901) into a value that is JSON, and what it must lead to. */
  jsonPointer?: string;
  /** JSON; where it is none it is taken for a text. Left out: it must lead to anything. */
  jsonEquals?: string;
}

/** Says whether a record is wanted. */
export type RecordFilter = (record: RecordData) => boolean;

/** Null: every record is wanted. @throws DoorRefusal */
export function makeFilter(request: FilterRequest): RecordFilter | null {
  const tests: RecordFilter[] = [];
  for (const [name, text] of Object.entries(request) as [string, string | undefined][]) {
    if (text !== undefined && text.length > limits.filterCharactersMax) {
      const most = limits.filterCharactersMax;
      throw invalid('filter-too-long', `the filter ${name} has more than ${most} characters`);
    }
  }
  const { keyEquals, keyContains, valueContains, contains, header } = request;
  if (keyEquals !== undefined) {
    const wanted = Buffer.from(keyEquals);
    tests.push(({ key }) => key !== null && key.equals(wanted));
  }
  if (keyContains !== undefined) tests.push(containing(keyContains, ({ key }) => [key]));
  if (valueContains !== undefined) tests.push(containing(valueContains, ({ value }) => [value]));
  if (contains !== undefined) {
    tests.push(containing(contains, allBytes));
  }
  if (header !== undefined) tests.push(withHeader(header));
  if (request.jsonPointer !== undefined) {
    tests.push(withJson(request.jsonPointer, request.jsonEquals));
  } else if (request.jsonEquals !== undefined) {
    throw invalid('filter-invalid', 'the filter jsonEquals needs a jsonPointer');
  }
  return tests.length === 0 ? null : (record) => tests.every((test) => test(record));
}

function allBytes({ key, value, headers }: RecordData): (Buffer | null)[] {
  return [key, value, ...headers.map((one) => one.value)];
}

function containing(text: string, of: (record: RecordData) => (Buffer | null)[]): RecordFilter {
  const wanted = Buffer.from(text);
  return (record) => of(record).some((bytes) => bytes !== null && bytes.includes(wanted));
}

function withHeader(header: string): RecordFilter {
  const at = header.indexOf('=');
  const name = at < 0 ? header : header.slice(0, at);
  const value = at < 0 ? null : Buffer.from(header.slice(at + 1));
  return ({ headers }) =>
    headers.some((one) => one.key === name && (value === null || one.value?.equals(value)));
}

function withJson(pointer: string, equals: string | undefined): RecordFilter {
  const steps = pointerSteps(pointer);
  const wanted = equals === undefined ? undefined : canonical(jsonOrText(equals));
  return ({ value }) => {
    if (value === null) return false;
    try {
      const found = followed(JSON.parse(value.toString('utf8')), steps);
      return found !== undefined && (wanted === undefined || canonical(found) === wanted);
    } catch {
      // No JSON, or nested so deeply that it cannot be compared.
      return false;
    }
  };
}

/** Where the steps of a pointer lead; undefined where they lead nowhere. */
function followed(value: unknown, steps: readonly string[]): unknown {
  let found = value;
  for (const step of steps) {
    const isHolder = typeof found === 'object' && found !== null && Object.hasOwn(found, step);
    if (!isHolder) return undefined;
    found = (found as Record<string, unknown>)[step];
  }
  return found;
}

function pointerSteps(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) {
    throw invalid('filter-invalid', "a jsonPointer begins with '/', as in /customer/id");
  }
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The same text for the same JSON, whatever the order of its members. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, one: unknown) => {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
