import {
  isFlexible,
  isServed,
  type Api,
  type Message,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
} from './api';
import { compileReader, type ReadMessage } from './compile-reader';
import { compileWriter, type WriteMessage } from './compile-writer';
import { hasFlexibleResponseHeader } from './headers';
import { MalformedError } from './malformed-error';
import { skipTags } from './reader';
import { putClassicString, putInt32, Scratch } from './writer';

/** Bytes of the size in front of every frame. */
const sizeBytes = 4;
const correlationIdBytes = 4;

const scratch = new Scratch();

/**
 * Reads the body of a request. Bytes behind its last field are ignored, as in Kafka: librdkafka
 * sends three such in each Metadata request for all topics.
 * @param frame the whole frame, without its size
 * @param bodyAt where the body starts, see `readRequestHeader`
 * @throws MalformedError when the bytes are not a message of this version
 */
export function decodeRequest<A extends Api>(
  api: A,
  version: number,
  frame: Buffer,
  bodyAt: number,
): RequestOf<A> {
  const read = api.request.readers[version] ?? readerFor(api, api.request, version);
  return read(frame, bodyAt) as RequestOf<A>;
}

/** Reads a response, to its last byte. @throws MalformedError */
export function decodeResponse<A extends Api>(
  api: A,
  version: number,
  frame: Buffer,
): { correlationId: number; response: ResponseOf<A> } {
  if (frame.length < correlationIdBytes) throw new MalformedError('response header: the bytes end');
  const correlationId = frame.readInt32BE(0);
  const at = hasFlexibleResponseHeader(api, version)
    ? skipTags(frame, correlationIdBytes, 'response header tags')
    : correlationIdBytes;
  const read = api.response.readers[version] ?? readerFor(api, api.response, version);
  return { correlationId, response: read(frame, at) as ResponseOf<A> };
}

/**
 * A response as a frame: size, header, body. In one buffer, except that record batches of at least
 * `wireLimits.referenceBytesMin` bytes are chunks of their own, the very buffers that were given.
 * @throws RangeError for a string over 32,767 bytes where the version has classic strings, or an
 * invalid uuid
 * @param onError told of each error code in it, but for NONE
 */
export function encodeResponse<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  response: ResponseInput<A>,
  onError?: (errorCode: number) => void,
): Buffer[] {
  const write = api.response.writers[version] ?? writerFor(api, api.response, version);
  const bodyAt = sizeBytes + correlationIdBytes;
  putInt32(scratch.buffer, sizeBytes, correlationId);
  if (hasFlexibleResponseHeader(api, version)) {
    scratch.buffer[bodyAt] = 0;
    scratch.start(bodyAt + 1);
  } else {
    scratch.start(bodyAt);
  }
  write(scratch, response);
  if (onError !== undefined && scratch.errorCodes.length > 0) scratch.errorCodes.forEach(onError);
  return scratch.finish();
}

/** A request as a frame, in the same manner as `encodeResponse`. */
export function encodeRequest<A extends Api>(
  api: A,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  request: RequestInput<A>,
): Buffer[] {
  const write = api.request.writers[version] ?? writerFor(api, api.request, version);
  scratch.start(0);
  const { buffer } = scratch;
  buffer.writeInt16BE(api.key, sizeBytes);
  buffer.writeInt16BE(version, sizeBytes + 2);
  putInt32(buffer, sizeBytes + 4, header.correlationId);
  let at = sizeBytes + 8;
  if (header.clientId === null) at = buffer.writeInt16BE(-1, at);
  else at = putClassicString(scratch, at, header.clientId);
  if (isFlexible(api, version)) at = scratch.putByte(at, 0);
  scratch.start(at);
  write(scratch, request);
  return scratch.finish();
}

function readerFor(api: Api, message: Message, version: number): ReadMessage {
  assertServed(api, version);
  const { label, fields } = message;
  const exact = message === api.response;
  const reader = compileReader({ label, fields, exact }, version, isFlexible(api, version));
  message.readers[version] = reader;
  return reader;
}

function writerFor(api: Api, message: Message, version: number): WriteMessage {
  assertServed(api, version);
  const writer = compileWriter(message.label, message.fields, version, isFlexible(api, version));
  message.writers[version] = writer;
  return writer;
}

function assertServed(api: Api, version: number): void {
  if (isServed(api, version)) return;
  throw new RangeError(`${api.name} has no version ${version} here`);
}
