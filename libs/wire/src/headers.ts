import type { Api } from './api';
import { isFlexible, isServed } from './api';
import { MalformedError } from './malformed-error';
import { apis } from './messages';
import { cursor, skipTags } from './reader';
import { text } from './text';

/**
 * Key of ApiVersions, whose response header never has a tag buffer: its reader may not know the
 * version yet.
 */
export const apiVersionsKey = 18;

/** Key, version and correlation id: the part of a request header that every version has. */
const fixedHeaderBytes = 8;

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** Where the body starts in the frame. */
  readonly bodyAt: number;
}

/**
 * Reads the header of a request (v1, and v2 for flexible versions). Of a key or version that is not
 * served only the fixed part is read, because nobody knows the rest: `clientId` is then null.
 * @param frame the bytes behind the 4-byte size
 * @throws MalformedError
 */
export function readRequestHeader(frame: Buffer): RequestHeader {
  if (frame.length < fixedHeaderBytes) throw new MalformedError('request header: the bytes end');
  const apiKey = frame.readInt16BE(0);
  const apiVersion = frame.readInt16BE(2);
  const correlationId = frame.readInt32BE(4);
  const api = apis.get(apiKey);
  if (api === undefined || !isServed(api, apiVersion)) {
    return { apiKey, apiVersion, correlationId, clientId: null, bodyAt: fixedHeaderBytes };
  }
  // The client id has a classic length in header v2 too, so that a broker can read it before it
  // knows the version.
  const clientId = readClassicString(frame, fixedHeaderBytes, 'client id');
  let bodyAt = cursor.at;
  if (isFlexible(api, apiVersion)) bodyAt = skipTags(frame, bodyAt, 'request header tags');
  return { apiKey, apiVersion, correlationId, clientId, bodyAt };
}

function readClassicString(frame: Buffer, at: number, what: string): string | null {
  if (frame.length - at < 2) throw new MalformedError(`${what}: the bytes end`);
  const size = frame.readInt16BE(at);
  cursor.at = at + 2;
  if (size === -1) return null;
  if (size < 0 || size > frame.length - cursor.at) {
    throw new MalformedError(`${what}: length ${size} does not fit`);
  }
  cursor.at += size;
  return text(frame, cursor.at - size, cursor.at);
}

/** Whether a response of this version has a tag buffer in its header (header v1). */
export function hasFlexibleResponseHeader(api: Api, version: number): boolean {
  return api.key !== apiVersionsKey && isFlexible(api, version);
}
